"""The event log as files: CSV for people, JSON lines for programs."""

import csv
import json
from typing import IO, Any

from django.db.models import QuerySet

from apps.core.csvs import BOM, guarded
from apps.events.envelopes import envelope
from apps.events.models import Event

_CHUNK = 2000
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


def write_csv(events: QuerySet[Event], file: IO[str]) -> int:
    """One row for each event; returns how many."""
    file.write(BOM)
    writer = csv.writer(file)
    writer.writerow(COLUMNS)
    count = 0
    for event in events.iterator(_CHUNK):
        writer.writerow(_cells(event))
        count += 1
    return count


def write_lines(events: QuerySet[Event], file: IO[str]) -> int:
    """One JSON object on each line: the envelope, from where, and the proof; returns how many."""
    count = 0
    for event in events.iterator(_CHUNK):
        proof = {"ip": event.ip, "digest": event.digest, "chain": event.chain}
        file.write(json.dumps({**envelope(event), **proof}, ensure_ascii=False) + "\n")
        count += 1
    return count


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
