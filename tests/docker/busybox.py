"""A tiny image for tests, made on the spot where no registry can be reached."""

import io
import shutil
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import docker
import pytest
from docker.errors import ImageNotFound

IMAGE = "dotmac-test-busybox:1"
TOOLS = (
    *("sh", "true", "echo", "sleep", "seq", "kill", "date", "id"),
    *("cat", "grep", "head", "ls", "touch"),
    *("httpd", "ip", "nc", "nslookup", "ping", "wget"),
)


@contextmanager
def busybox_image(client: docker.APIClient) -> Iterator[str]:
    """The image's name; it is removed at the end unless it was there before."""
    if _is_there(client):
        yield IMAGE
        return
    client.import_image_from_data(
        _archive(), repository="dotmac-test-busybox", tag="1", changes=["LABEL dotmac.test=image"]
    )
    yield IMAGE
    client.remove_image(IMAGE, force=True)


def _is_there(client: docker.APIClient) -> bool:
    try:
        client.inspect_image(IMAGE)
    except ImageNotFound:
        return False
    return True


def _archive() -> bytes:
    found = shutil.which("busybox")
    if found is None:
        pytest.fail("No busybox on this machine: install the package busybox-static.")
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for folder in ("bin", "tmp", "etc", "data", "proc", "sys", "dev"):
            archive.addfile(_folder(folder))
        archive.add(Path(found).resolve(), "bin/busybox")
        for tool in TOOLS:
            archive.addfile(_link(f"bin/{tool}"))
    return buffer.getvalue()


def _folder(name: str) -> tarfile.TarInfo:
    entry = tarfile.TarInfo(name)
    entry.type = tarfile.DIRTYPE
    entry.mode = 0o1777 if name in ("tmp", "data") else 0o755
    return entry


def _link(name: str) -> tarfile.TarInfo:
    entry = tarfile.TarInfo(name)
    entry.type = tarfile.SYMTYPE
    entry.linkname = "busybox"
    return entry


def remove_labelled(client: docker.APIClient, label: str) -> None:
    """Remove every container, network and volume that carries a label."""
    filters = {"label": [label]}
    for container in client.containers(all=True, filters=filters):
        client.remove_container(container["Id"], v=True, force=True)
    for network in client.networks(filters=filters):
        client.remove_network(network["Id"])
    for volume in client.volumes(filters=filters)["Volumes"] or []:
        client.remove_volume(volume["Name"])
