"""`manage.py verify_events`: prove the event logs of this database."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from apps.events.places_of_logs import schemas_with_logs
from apps.events.verifying import verify
from apps.tenancy.kinds import operator, schema_exists, schema_of


class Command(BaseCommand):
    """Verifies one schema or all; exit code 1 when anything is wrong."""

    help = "Finds events that were changed, removed, inserted, reordered, or left unsealed."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Which schema."""
        parser.add_argument("--schema", help="one schema; all of this database by default")

    def handle(self, *args: Any, **options: Any) -> None:
        """A line for each schema, and one for each finding."""
        asked = options["schema"]
        with operator():
            if asked and not schema_exists(asked):
                raise CommandError(f"There is no schema {asked}.")
            schemas = [asked] if asked else schemas_with_logs()
        wrong = [schema for schema in schemas if not self._is_proven(schema)]
        if wrong:
            raise CommandError(f"Not proven: {', '.join(wrong)}.")

    def _is_proven(self, schema: str) -> bool:
        with schema_of(schema):
            report = verify()
        self.stdout.write(
            f"{schema}: {report.events} events, {report.erased} of them with erased parts,"
            f" {report.checkpoints} checkpoints, {report.seconds:.1f} s"
        )
        for gap in report.breaks:
            self.stdout.write(
                f"  accepted: event {gap.event_id}: the mark was at {gap.known}, the log at"
                f" {gap.found}. {gap.who or '(erased)'} on {gap.at}: {gap.reason}"
            )
        for move in report.moves:
            self.stdout.write(
                f"  taken over: event {move.event_id}: up to number {move.until} it was sealed as"
                f" {move.origin}, elsewhere or under another secret; it came on {move.at}"
            )
        for one in report.findings:
            self.stdout.write(f"  {one.kind}: event {one.event_id or '(none)'}: {one.text}")
        return report.is_proven
