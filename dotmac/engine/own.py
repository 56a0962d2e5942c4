"""Images that this project builds itself, and that no registry has.

A name without a host in it stands for Docker Hub, where anybody may take it.
"""

PREFIX = "dotmac/"


def is_own(reference: str) -> bool:
    """Whether an image is one of ours, which must be on the host already.

    One that an operator's registry serves is named with that, as registry.example/dotmac/app:1.
    """
    return reference.startswith(PREFIX)
