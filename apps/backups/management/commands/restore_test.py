"""`manage.py restore_test`: restore the newest backup into a throw-away server, now."""

from typing import Any

from django.core.management.base import BaseCommand

from apps.backups.commanding import make
from apps.tenancy.kinds import operator


class Command(BaseCommand):
    """Says what came back and how long it took; exit code 1 when it did not."""

    help = "Restores the newest backup into a throw-away server and looks into it."

    def handle(self, *args: Any, **options: Any) -> None:
        """A line for each thing measured."""
        with operator():
            run = make("test")
        self.stdout.write(run.name)
        for name, value in run.report.items():
            self.stdout.write(f"  {name}: {value}")
