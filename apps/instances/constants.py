"""Names that instances share."""

WORKSPACE_APP = "dotmac-isp"
NAME_LENGTH = 80
