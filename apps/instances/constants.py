"""Names that instances share."""

WORKSPACE_APP = "dotmac-isp"
NAME_LENGTH = 80
# Which permission each change of an instance asks for.
ASKED = {
    "deploy": "instances.deploy",
    "stop": "instances.stop",
    "start": "instances.stop",
    "suspend": "instances.suspend",
    "resume": "instances.suspend",
    "archive": "instances.archive",
}
