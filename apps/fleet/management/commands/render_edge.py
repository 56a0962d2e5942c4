"""`manage.py render_edge`: write the edge's routes now, without waiting for the clock."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from apps.fleet import edge
from apps.tenancy.kinds import operator
from dotmac.edge import EdgeError


class Command(BaseCommand):
    """Renders all routes, as the clock does by itself every few seconds."""

    help = "Writes the edge's routes from the database, whether or not they changed."

    def handle(self, *args: Any, **options: Any) -> None:
        """CommandError when the edge refuses."""
        try:
            with operator():
                revision = edge.refresh()
        except EdgeError as error:
            raise CommandError(error.message) from error
        self.stdout.write(f"The edge has revision {revision}")
