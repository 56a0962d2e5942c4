"""Names that instances share."""

WORKSPACE_APP = "dotmac-isp"
