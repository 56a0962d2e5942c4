"""`manage.py rotate_field_keys`: encrypt all that is secret with the first of FIELD_KEYS."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from apps.accounts.resealing import BATCH, Count, count_old, reseal, schemas
from apps.tenancy.kinds import operator, schema_exists


class Command(BaseCommand):
    """Goes over all schemas; it can be killed and started again."""

    help = (
        "Encrypts what lies under an older key with the first of FIELD_KEYS, in every schema, so"
        " that the older key can go. Killed, run it again: it goes on with what is left. The exit"
        " code is 1 while anything is left."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Which schemas, and whether only to look."""
        parser.add_argument("schemas", nargs="*", help="only these schemas, such as w_acme")
        parser.add_argument("--check", action="store_true", help="only say what is left")
        parser.add_argument("--batch", type=int, default=BATCH, help=f"rows at a time ({BATCH})")

    def handle(self, *args: Any, **options: Any) -> None:
        """A line for each schema and batch; CommandError while anything is left."""
        if options["batch"] < 1:
            raise CommandError("--batch is at least 1.")
        found = self._schemas(options["schemas"])
        left = []
        for number, schema in enumerate(found, start=1):
            if options["check"]:
                count = count_old(schema)
            else:
                count = reseal(schema, watch=self._watch, batch=options["batch"])
            self.stdout.write(f"{number} of {len(found)}: {schema}: {_said(count)}")
            left += [schema] if count.old or count.unreadable else []
        if left:
            raise CommandError(
                f"Not all is under the first key, in {len(left)} of {len(found)} schemas."
            )
        self.stdout.write("All is encrypted with the first key; the others can go.")

    def _schemas(self, asked: list[str]) -> list[str]:
        with operator():
            unknown = [one for one in asked if not schema_exists(one)]
            if unknown:
                raise CommandError(f"There is no schema {', '.join(unknown)}.")
            return asked or schemas()

    def _watch(self, column: str, count: int) -> None:
        self.stdout.write(f"  {column}: {count} encrypted anew")


def _said(count: Count) -> str:
    parts = [f"{count.resealed} encrypted anew"] if count.resealed else []
    for text, found in (("under an older key", count.old), ("opens with no key", count.unreadable)):
        parts += [f"{number} of {column} {text}" for column, number in sorted(found.items())]
    return "; ".join(parts) or "nothing to do"
