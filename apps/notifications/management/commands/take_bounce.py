"""`manage.py take_bounce`: read a mail that came back from the standard input."""

import sys
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import Error

from apps.branding.origins import origin_of
from apps.events.actors import Actor
from apps.notifications.returned import Report, Returned, read_report
from apps.notifications.suppression import suppress
from apps.tenancy.kinds import operator, schema_exists, schema_of

_SERVER = Actor("provider", label="Mail server")
_MAX_BYTES = 10_000_000
# What mail servers understand (sysexits.h): a message that is no good, and one to bring again.
_BAD_DATA, _TRY_AGAIN = 65, 75


class Command(BaseCommand):
    """What a mailbox is piped to; permanent failures and complaints end mail to the address."""

    help = (
        "Reads one delivery status notification (RFC 3464) or complaint (RFC 5965) from the"
        " standard input, as a mail server pipes it to a command, and ends mail to addresses that"
        " failed for good or complained of abuse. From which level the mail was is told by its"
        " header X-Origin; or name the schema. The exit code is 65 for what is no such report, and"
        " 75 while the database is away."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Whose mails come back."""
        parser.add_argument("schema", nargs="?", default="", help="such as w_acme")

    def handle(self, *args: Any, **options: Any) -> None:
        """One line that says how many addresses get no mail any more."""
        raw = sys.stdin.buffer.read(_MAX_BYTES + 1)
        if len(raw) > _MAX_BYTES:
            raise CommandError("It is larger than 10 MB.", returncode=_BAD_DATA)
        try:
            report = read_report(raw)
        except (ValueError, RecursionError) as error:
            raise CommandError(f"Not read: {error}", returncode=_BAD_DATA) from error
        try:
            added = sum(
                self._take(one, options["schema"] or origin_of(report.origin, one.address))
                for one in report.returned
                if one.is_final
            )
        except Error as error:
            raise CommandError("The database is away.", returncode=_TRY_AGAIN) from error
        self.stdout.write(f"{_told(report)}; suppressed: {added}")

    def _take(self, one: Returned, schema: str) -> bool:
        with operator():
            is_here = bool(schema) and schema_exists(schema)
        if not is_here:
            why = f"There is no schema {schema}." if schema else "It is of no mail from here."
            raise CommandError(why, returncode=_BAD_DATA)
        with schema_of(schema):
            return suppress(one.address, reason=one.reason, actor=_SERVER)


def _told(report: Report) -> str:
    final = [one for one in report.returned if one.is_final]
    complained = sum(one.is_complaint for one in final)
    failed = len(final) - complained
    all_of_them = f"Addresses: {len(report.returned)}; failed for good: {failed}"
    return f"{all_of_them}; complained: {complained}"
