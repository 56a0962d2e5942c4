"""`manage.py qcluster`: the workers, in place of the library's own command."""

import sys
from typing import Any

from django.core.management.base import BaseCommand

from apps.work.cluster import run


class Command(BaseCommand):
    """Runs what is queued; ends when one of its processes is killed, to be started anew."""

    help = "Runs what is queued, until SIGTERM."

    def handle(self, *args: Any, **options: Any) -> None:
        """Exit code 70 when one of its processes was killed."""
        sys.exit(run())
