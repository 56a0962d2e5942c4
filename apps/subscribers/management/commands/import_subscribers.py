"""`manage.py import_subscribers FILE`: a list of subscribers from the command line."""

import csv
import io
import sys
from argparse import ArgumentParser
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

from django.core.files.base import ContentFile
from django.core.management.base import BaseCommand, CommandError
from django.utils.text import slugify

from apps.billing import services as billing
from apps.billing.models import Plan
from apps.billing.money import minor_units
from apps.core.exceptions import DomainError
from apps.events.actors import Actor
from apps.subscribers.imports import import_now
from apps.subscribers.models import Subscriber
from apps.tenancy.kinds import WORKSPACE, operator, schema_of
from apps.tenancy.models import Tenant

_ACTOR = Actor("system", label="import_subscribers")


class Command(BaseCommand):
    """Imports all rows of a UTF-8 file, or none."""

    help = (
        "Imports subscribers from a CSV file (- for standard input) into a workspace. Plans that"
        " are missing are made from the columns plan_price, plan_currency, plan_down_kbps and"
        " plan_up_kbps, where the file has them."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """The file, and where it goes."""
        parser.add_argument("file")
        parser.add_argument("--schema", help="of the workspace, where there are several")
        parser.add_argument("--if-empty", action="store_true", help="do nothing if there are any")

    def handle(self, *args: Any, **options: Any) -> None:
        """Enter the workspace and import."""
        raw = sys.stdin.buffer.read() if options["file"] == "-" else _read(options["file"])
        with schema_of(options["schema"] or _only_workspace()):
            if options["if_empty"] and Subscriber.objects.exists():
                self.stdout.write("There are subscribers already; nothing was imported.")
                return
            try:
                _make_plans(raw)
                source = import_now(ContentFile(raw, name=options["file"]), actor=_ACTOR)
            except DomainError as error:
                raise CommandError(error.message) from error
        self.stdout.write(f"{source.created_rows} subscribers imported.")


def _read(file: str) -> bytes:
    try:
        return Path(file).read_bytes()
    except OSError as error:
        raise CommandError(f"{file} cannot be read: {error.strerror}.") from error


def _only_workspace() -> str:
    with operator():
        found = Tenant.objects.filter(kind=WORKSPACE, is_local=True)
        names = list(found.values_list("schema_name", flat=True)[:2])
    if len(names) != 1:
        raise CommandError("Name the workspace with --schema: there is not exactly one here.")
    return str(names[0])


def _make_plans(raw: bytes) -> None:
    known = {plan.name.lower() for plan in Plan.objects.all()}
    for row in csv.DictReader(io.StringIO(raw.decode("utf-8-sig", "replace"))):
        name = row.get("plan") or ""
        if name and row.get("plan_price") and name.lower() not in known:
            _make_plan(name, row, position=len(known))
            known.add(name.lower())


def _make_plan(name: str, row: dict[str, str], *, position: int) -> None:
    speeds = {key: row.get(f"plan_{key}") for key in ("down_kbps", "up_kbps")}
    try:
        price = Decimal(row["plan_price"])
        entitlements = {key: int(value) for key, value in speeds.items() if value}
    except (InvalidOperation, ValueError) as error:
        raise CommandError(f"Price or speeds of the plan “{name}” are no numbers.") from error
    currency = row.get("plan_currency") or "USD"
    terms = billing.Terms(
        currency=currency, flat_minor=minor_units(price, currency), entitlements=entitlements
    )
    plan = billing.create_plan(key=slugify(name)[:40], name=name, position=position, actor=_ACTOR)
    billing.publish_version(plan, terms, actor=_ACTOR)
