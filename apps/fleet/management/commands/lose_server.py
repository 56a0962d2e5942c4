"""`manage.py lose_server fra-1 --reason "burnt down" --yes`: a server that never comes back."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from apps.core.exceptions import DomainError
from apps.events.actors import SYSTEM
from apps.fleet import services
from apps.fleet.models import Placement, Server
from apps.fleet.services.losing import LONGEST_REASON
from apps.tenancy.kinds import operator


class Command(BaseCommand):
    """The same as the page “Lost for good” of a server."""

    help = (
        "Gives a server up that does not answer, with what runs on it: its instances fail, and"
        " certificates of erasure name what may lie on it. It cannot be taken back. With --clear,"
        " what a lost server that answers again still has is removed."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Which, why, and that it is meant."""
        parser.add_argument("name")
        parser.add_argument("--reason", default="", help="what became of the machine")
        parser.add_argument("--clear", action="store_true", help="remove what is left on it")
        parser.add_argument("--yes", action="store_true", help="do it; else it is only said")

    def handle(self, *args: Any, **options: Any) -> None:
        """Do it, or say what it would mean."""
        with operator():
            server = Server.objects.select_related("region").filter(name=options["name"]).first()
            if server is None:
                raise CommandError(f"There is no server {options['name']}.")
            try:
                self._do(server, options)
            except DomainError as error:
                raise CommandError(error.message) from error

    def _do(self, server: Server, options: dict[str, Any]) -> None:
        if options["clear"]:
            operation = services.remove_leftovers(server, actor=SYSTEM)
            self.stdout.write(f"Begun as operation {operation.uuid}.")
            return
        reason = options["reason"].strip()
        if not reason or len(reason) > LONGEST_REASON:
            raise CommandError(f"Say why by --reason, in {LONGEST_REASON} characters at most.")
        if not options["yes"]:
            rows = server.placements.filter(status__in=Placement.OPEN)
            count = rows.order_by().values("instance").distinct().count()
            raise CommandError(
                f"{server} has {count} instances, which would be given up with all that they kept"
                " there. Nothing was changed; say --yes to do it."
            )
        count = services.declare_lost(server, reason=reason, actor=SYSTEM)
        self.stdout.write(f"{server} is given up, with {count} instances.")
