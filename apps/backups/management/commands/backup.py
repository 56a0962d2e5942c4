"""`manage.py backup`: a backup of the platform, now."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from apps.backups.commanding import make
from apps.backups.targets import target_in_use
from apps.tenancy.kinds import operator


class Command(BaseCommand):
    """Ends when the backup is off site and was read back; exit code 1 when it is not."""

    help = "Backs the platform up to the place that is set on the page Backups."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Which kind."""
        parser.add_argument("--full", action="store_true", help="not only what changed since")
        text = "end well, and say so, where backups are off"
        parser.add_argument("--if-on", action="store_true", help=text)
        text = "let one that is under way come to its end first"
        parser.add_argument("--wait", action="store_true", help=text)

    def handle(self, *args: Any, **options: Any) -> None:
        """One line."""
        with operator():
            if options["if_on"] and target_in_use() is None:
                self.stdout.write("Backups are off: nothing was backed up.")
                return
            run = make("full" if options["full"] else "differential", waits=options["wait"])
        self.stdout.write(f"{run.name}: {run.size:,} bytes off site, of {run.read_bytes:,} read")
