"""The event log as files: CSV for people, JSON lines for programs."""

import csv
import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import IO, Any

from django.db.models import QuerySet
from django.http import QueryDict

from apps.core.csvs import BOM, guarded
from apps.events import services
from apps.events.actors import Actor, Subject
from apps.events.envelopes import envelope
from apps.events.models import Event

_CHUNK = 2000
# More of them would keep one thread of the web process for seconds: a worker writes those.
MOST_AT_ONCE = 50_000
COLUMNS = (
    "number",
    "at",
    "event",
    "actor_type",
    "actor_id",
    "actor",
    "ip",
    "subject_type",
    "subject_id",
    "subject",
    "data",
    "id",
)


def is_long(events: QuerySet[Event]) -> bool:
    """Whether they are more than are written while somebody waits; counts no further."""
    return events.order_by()[: MOST_AT_ONCE + 1].count() > MOST_AT_ONCE


def in_order(events: QuerySet[Event]) -> Iterator[Event]:
    """One after another by id, in short queries: no cursor stays open on the database."""
    last, rows = 0, events.order_by("pk")
    while page := list(rows.filter(pk__gt=last)[:_CHUNK]):
        yield from page
        last = page[-1].pk


def write_csv(events: Iterable[Event], file: IO[str]) -> int:
    """One row for each event; returns how many."""
    file.write(BOM)
    writer = csv.writer(file)
    writer.writerow(COLUMNS)
    count = 0
    for event in events:
        writer.writerow(_cells(event))
        count += 1
    return count


def write_lines(events: Iterable[Event], file: IO[str]) -> int:
    """One JSON object on each line: the envelope, from where, and the proof; returns how many."""
    count = 0
    for event in events:
        proof = {"ip": event.ip, "digest": event.digest, "chain": event.chain}
        file.write(json.dumps({**envelope(event), **proof}, ensure_ascii=False) + "\n")
        count += 1
    return count


@dataclass(frozen=True)
class Form:
    """A kind of file: its name, its type, and what writes it."""

    file: str
    content_type: str
    write: Callable[[Iterable[Event], IO[str]], int]


FORMS = {
    "csv": Form("events.csv", "text/csv", write_csv),
    "jsonl": Form("events.jsonl", "application/jsonl", write_lines),
}


def tell_exported(rows: int, form: Form, asked: QueryDict, *, actor: Actor) -> None:
    """Tell that somebody took a part of the record along, and by which filters."""
    about = Subject("list", "events.event", str(Event._meta.verbose_name_plural))
    # Each value by itself, so that a person's name is found where it is to be erased.
    filters = {key: values for key, values in asked.lists() if any(values)}
    data = {"rows": rows, "filters": filters, "file": form.file}
    services.record("list.exported", actor=actor, subject=about, data=data)


def _cells(event: Event) -> list[str]:
    values: list[Any] = [
        event.seal_no or "",
        event.at.isoformat(),
        event.type,
        event.actor_kind,
        event.actor_id,
        event.actor_label,
        event.ip,
        event.subject_type,
        event.subject_id,
        event.subject_label,
        json.dumps(event.data, ensure_ascii=False),
        event.uuid,
    ]
    return [guarded(str(value)) for value in values]
