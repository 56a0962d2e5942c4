"""`manage.py erase_person --schema w_acme dora@acme.example`: take somebody out of a log."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from apps.core.exceptions import DomainError
from apps.events.actors import Actor
from apps.events.erasing import erase_person, preview_erasure
from apps.tenancy.kinds import operator, schema_exists, schema_of

_ACTOR = Actor("system", label="erase_person")


class Command(BaseCommand):
    """Erases one person from the event log of one schema; the chain still proves."""

    help = "Empties what the event log of a schema says of a person. It cannot be undone."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Where, and whom."""
        parser.add_argument("words", nargs="+", help="ids, e-mail addresses, full names")
        parser.add_argument("--schema", required=True)
        parser.add_argument("--dry-run", action="store_true", help="only say what would be emptied")

    def handle(self, *args: Any, **options: Any) -> None:
        """Erase, and say how much."""
        with operator():
            is_there = schema_exists(options["schema"])
        if not is_there:
            raise CommandError(f"There is no schema {options['schema']}.")
        with schema_of(options["schema"]):
            try:
                if options["dry_run"]:
                    return self._preview(options["words"])
                erasure = erase_person(options["words"], actor=_ACTOR)
            except DomainError as error:
                raise CommandError(error.message) from error
        return self.stdout.write(f"Erased from {erasure.events} events (erasure {erasure.uuid}).")

    def _preview(self, words: list[str]) -> None:
        for one in preview_erasure(words):
            self.stdout.write(f"{one.type}: who did it {one.acted}, what it was about {one.about}")
        self.stdout.write("Nothing was changed.")
