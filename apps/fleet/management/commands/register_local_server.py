"""`manage.py register_local_server`: make this machine's Docker engine a server."""

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from apps.fleet import services
from apps.tenancy.kinds import operator
from dotmac.engine import EngineError

_HINT = (
    "Shared workspaces work without it. To add hosts, install a Docker engine (Debian and Ubuntu:"
    " apt-get install docker.io iptables), let this user reach {url}, and run this command again."
)


class Command(BaseCommand):
    """Makes the region of this machine, and its server when an engine answers; repeatable."""

    help = "Registers the local Docker engine as the server “local” in the region “This machine”."

    def handle(self, *args: Any, **options: Any) -> None:
        """Register, or say how to get an engine."""
        with operator():
            region = services.ensure_local_region()
            if not settings.USES_LOCAL_DOCKER:
                self.stdout.write(f"DOTMAC_DOCKER is off, so region {region} has no server.")
                return
            try:
                server = services.register_local_server()
            except EngineError as error:
                self.stdout.write(f"{error.message}\n{_HINT.format(url=settings.DOCKER_HOST)}")
                return
            self.stdout.write(
                f"Server {server} in region {region}: {server.memory_mb} MiB of memory and"
                f" {server.disk_mb} MiB of disk may be reserved."
            )
