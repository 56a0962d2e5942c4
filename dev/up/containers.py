"""What this installation made on the Docker engine of this machine."""

from __future__ import annotations

from collections.abc import Sequence

import docker
import psycopg
from docker.errors import DockerException

from dev import dockerd, postgres
from dev.up.options import Options
from dotmac.server.errors import SetupError
from dotmac.server.terminal import Terminal

INSTANCE_LABEL = "dotmac.instance"


def own_instances(options: Options) -> list[str]:
    """Ids of the instances in this installation's own database, as labels name them.

    Asked of the database, since another folder's platform labels its containers alike.
    """
    if not options.has_own_database or not (options.postgres / "password").exists():
        return []
    url = postgres.ensure(options.postgres, options.port("DATABASE_PORT"))
    try:
        with psycopg.connect(url) as connection:
            rows = connection.execute("SELECT DISTINCT instance FROM public.fleet_placement")
            return [row[0].hex for row in rows]
    except psycopg.errors.UndefinedTable:
        return []


def remove(instances: Sequence[str], terminal: Terminal) -> None:
    """Remove containers, networks and volumes of these instances alone; raises SetupError."""
    if not instances:
        return
    with terminal.step("Removed the containers of this platform"):
        try:
            client = _client()
            for instance in instances:
                _remove(client, f"{INSTANCE_LABEL}={instance}")
        except DockerException as error:
            raise SetupError(
                f"Docker did not remove everything ({error}). Nothing in var/ was deleted; "
                "see that the Docker engine answers, then run make reset again."
            ) from error


def _remove(client: docker.DockerClient, label: str) -> None:
    chosen: dict[str, str | list[str] | bool] = {"label": label}
    for container in client.containers.list(all=True, filters=chosen):
        container.remove(force=True, v=True)
    for network in client.networks.list(filters=chosen):
        network.remove()
    for volume in client.volumes.list(filters=chosen):
        volume.remove(force=True)


def _client() -> docker.DockerClient:
    return docker.DockerClient(base_url=f"unix://{dockerd.SOCKET}")
