"""`manage.py doctor`: whether the platform is well, and what to do where it is not."""

import json
from collections.abc import Iterator
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import Error

from apps.core.health import OK, PROBLEM, WARNING, Check, Mend, checks, mends_of, worst
from apps.doctor.looking import Result, chosen, look_at
from apps.doctor.services import put_right
from apps.events.actors import Actor
from apps.tenancy.kinds import operator

_MARKS = {OK: "✓", WARNING: "!", PROBLEM: "✗"}
_EXITS = {OK: 0, WARNING: 1, PROBLEM: 2}
_OPERATOR = Actor("system", label="manage.py doctor")


class Command(BaseCommand):
    """Looks at everything and writes nothing, unless asked to mend; needs no worker and no page."""

    help = (
        "Says whether the platform is well, and what to do where it is not. Ends with 0 when all"
        " is well, 1 with warnings, 2 with problems."
    )
    requires_system_checks = []
    requires_migrations_checks = False

    def add_arguments(self, parser: CommandParser) -> None:
        """How it is said, of what, and whether to mend."""
        parser.add_argument("--json", action="store_true", help="for programs, one document")
        parser.add_argument(
            "--only",
            action="append",
            default=[],
            metavar="NAME",
            help="only this check, or those whose names begin so; may be given several times",
        )
        parser.add_argument(
            "--mend", action="store_true", help="put right what is safe; asks first"
        )
        parser.add_argument("--list", action="store_true", help="only the names of all checks")

    def handle(self, *args: Any, **options: Any) -> None:
        """Results as they come; the exit code is that of the worst."""
        if options["list"]:
            return self._list()
        wanted = chosen(options["only"])
        if not wanted:
            raise CommandError("No check has such a name. `manage.py doctor --list` names all.")
        if options["json"] and options["mend"]:
            raise CommandError("--mend asks questions, so it goes without --json.")
        results = list(self._results(wanted, is_told=not options["json"]))
        if options["json"]:
            self.stdout.write(json.dumps(_document(results), indent=2, ensure_ascii=False))
        if options["mend"]:
            self._mend(results)
        code = _EXITS[worst(one for result in results for one in result.findings)]
        if code:
            raise SystemExit(code)
        return None

    def _results(self, wanted: list[Check], *, is_told: bool) -> Iterator[Result]:
        for result in look_at(wanted):
            if is_told:
                self._say(result)
            yield result

    def _list(self) -> None:
        for one in checks():
            self.stdout.write(f"{one.name:24} {one.title}")

    def _say(self, result: Result) -> None:
        self.stdout.write(f"{_MARKS[result.status]} {result.check.title} ({result.check.name})")
        for finding in result.findings:
            self.stdout.write(f"    {finding.said}")
            self.stdout.write(f"      → {finding.advised}")
        if result.findings:
            self.stdout.write(f"      → {result.check.page}")
        self.stdout.flush()

    def _mend(self, results: list[Result]) -> None:
        for result in results:
            for mend in mends_of(result.check.name) if result.findings else ():
                self._ask(mend)

    def _ask(self, mend: Mend) -> None:
        if input(f"{mend.question}? [y/N] ").strip().lower() not in ("y", "yes"):
            return
        try:
            with operator():
                count = put_right(mend, actor=_OPERATOR)
        except Error as error:
            raise CommandError(f"It could not be put right: {error}") from error
        self.stdout.write(f"Put right: {count}. Look again to see what is left.")


def _document(results: list[Result]) -> dict[str, Any]:
    return {
        "status": worst(one for result in results for one in result.findings),
        "checks": [
            {
                "name": result.check.name,
                "title": str(result.check.title),
                "status": result.status,
                "seconds": round(result.seconds, 3),
                "runbook": result.check.page,
                "findings": [
                    {"status": one.status, "text": one.said, "advice": one.advised}
                    for one in result.findings
                ],
            }
            for result in results
        ],
    }
