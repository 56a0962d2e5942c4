"""Containers, networks and volumes that this platform made, found by their label."""

from __future__ import annotations

import docker
from docker.errors import DockerException

from dev import dockerd
from dev.terminal import Terminal

LABEL = "dotmac.platform"


def remove_own(terminal: Terminal) -> None:
    """Remove what carries our label; other people's containers are left alone."""
    if not dockerd.answers():
        return
    with terminal.step("Removed the platform's containers"):
        try:
            _remove(docker.DockerClient(base_url=f"unix://{dockerd.SOCKET}"))
        except DockerException as error:
            terminal.warn(f"Docker did not remove everything: {error}")


def _remove(client: docker.DockerClient) -> None:
    chosen: dict[str, str | list[str] | bool] = {"label": LABEL}
    for container in client.containers.list(all=True, filters=chosen):
        container.remove(force=True, v=True)
    for network in client.networks.list(filters=chosen):
        network.remove()
    for volume in client.volumes.list(filters=chosen):
        volume.remove(force=True)
