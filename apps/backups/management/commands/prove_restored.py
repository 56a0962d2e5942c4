"""`manage.py prove_restored`: whether the event log of a restored database proves."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from apps.events.sealing import seal
from apps.events.verifying import verify
from apps.tenancy.kinds import operator


class Command(BaseCommand):
    """Run by restore tests and by `make rebuild`; exit code 1 when anything is wrong.

    What was written in the last moment before the copy ends was not sealed there yet: it is sealed
    first, as the clock of the platform does when it starts.
    """

    help = "Seals and verifies the operator's event log of a restored database."

    def handle(self, *args: Any, **options: Any) -> None:
        """A line, and one for each finding."""
        with operator():
            while seal()[0]:
                pass
            report = verify()
        for one in report.findings:
            self.stdout.write(f"{one.kind}: event {one.event_id or '(none)'}: {one.text}")
        if not report.is_proven:
            raise CommandError("The operator's log does not prove.")
        self.stdout.write(f"{report.events} events, {report.checkpoints} checkpoints: proven")
