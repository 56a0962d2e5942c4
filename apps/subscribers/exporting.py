"""Subscribers and rows in error as CSV; the import takes the marks of formulas off again."""

import csv
from collections.abc import Iterable, Iterator
from typing import IO

from apps.core.csvs import BOM, guarded
from apps.subscribers.importing.layout import COLUMNS
from apps.subscribers.models import Service, Subscriber, SubscriberImport
from apps.subscribers.querysets import SubscriberQuerySet

_CHUNK = 500


def write_subscribers(subscribers: SubscriberQuerySet, file: IO[str]) -> None:
    """A row for each service, and one for a subscriber without any, in the import's columns."""
    rows = subscribers.order_by("pk").prefetch_related(
        "services__plan_version__plan", "services__address", "addresses"
    )
    lines = (line for person in rows.iterator(_CHUNK) for line in _lines(person))
    _write(file, COLUMNS, lines)


def write_errors(source: SubscriberImport, file: IO[str]) -> None:
    """The rows in error as they came, with their number and what is wrong."""
    header = source.layout["header"]
    rows = source.rows.filter(is_good=False).order_by("row")
    width = len(header)
    lines = (
        [
            *(row.cells + [""] * width)[: max(width, len(row.cells))],
            str(row.row),
            _reasons(row.errors),
        ]
        for row in rows.iterator(_CHUNK)
    )
    _write(file, [*header, "row", "error"], lines)


def _write(file: IO[str], header: Iterable[str], lines: Iterable[Iterable[str]]) -> None:
    file.write(BOM)
    writer = csv.writer(file)
    writer.writerow([guarded(cell) for cell in header])
    writer.writerows([guarded(cell) for cell in line] for line in lines)


def _reasons(errors: list[dict[str, str]]) -> str:
    return " ".join(f"{e['column']}: {e['message']}".removeprefix(": ") for e in errors)


def _lines(person: Subscriber) -> Iterator[list[str]]:
    services = list(person.services.all())
    for service in services:
        yield _line(person, service)
    if not services:
        yield _line(person, None)


def _line(person: Subscriber, service: Service | None) -> list[str]:
    address = service.address if service else next(iter(person.addresses.all()), None)
    place = ("street", "postcode", "city", "country")
    values = {
        **{name: getattr(person, name) for name in ("number", "name", "email", "phone")},
        **{name: getattr(address, name) if address else "" for name in place},
        "plan": service.plan_version.plan.name if service else "",
        "username": service.username if service else "",
        "status": service.status if service else person.status,
        "external_id": person.external_id,
    }
    return [values[column] for column in COLUMNS]
