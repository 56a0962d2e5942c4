"""The event log: what writing costs a service call, and how fast it is sealed and proven."""

import secrets
import time
from collections.abc import Iterator

from django.db import connection, transaction
from django.utils import timezone

from apps.events import services as events
from apps.events.actors import Actor, Subject
from apps.events.digests import event_digest
from apps.events.models import Event
from apps.events.sealing import seal
from apps.events.stamps import stamp_of
from apps.events.verifying import verify
from apps.tenancy.kinds import schema_of
from apps.tenancy.templates import create_schema, drop_schema
from apps.work.models import Mark
from tests.bench.result import Result, percentile, spread

_SCHEMA = "c_benchevents"
_WRITES = 2000
_ROWS = 100_000
_DORA = Subject("subscriber", "d04a0000-0000-4000-8000-000000000002", "Dora Diaz")
_ALICE = Actor("user", "a11ce000-0000-4000-8000-000000000001", "alice@acme.example")
_DATA = {"number": "C-1001", "plan": "Fiber 100", "email": "dora@example.org", "status": "active"}


def measure() -> list[Result]:
    """Write, seal and prove in a schema of its own."""
    drop_schema(_SCHEMA)
    Mark.objects.filter(schema=_SCHEMA).delete()
    create_schema(_SCHEMA)
    try:
        with schema_of(_SCHEMA):
            return list(_measure())
    finally:
        connection.close()
        drop_schema(_SCHEMA)


def _measure() -> Iterator[Result]:
    written = [_write() for _turn in range(_WRITES)]
    worst = percentile(written, 0.95) * 1000
    what = "events: write in a service call, p95"
    shown = f"{worst:.2f} ms"
    yield Result(what, spread(written, unit="ms"), "", shown, "≤ 1 ms", worst <= 1)
    _fill()
    began, sealed = time.perf_counter(), 0
    while sealed < _ROWS:
        sealed += seal()[0]
    yield _rate("events: sealing", sealed, time.perf_counter() - began, 5000)
    report = verify()
    assert report.is_proven, report.findings
    yield _rate("events: verify", report.events, report.seconds, 50_000)


def _write() -> float:
    """Seconds that one event takes in a transaction that is open anyway."""
    with transaction.atomic():
        connection.ensure_connection()
        began = time.perf_counter()
        events.record("subscriber.updated", actor=_ALICE, subject=_DORA, data=_DATA)
        return time.perf_counter() - began


def _fill() -> None:
    """Many events, written at once."""
    for _turn in range(_ROWS // 5000):
        Event.objects.bulk_create(_event() for _one in range(5000))


def _event() -> Event:
    event = Event(
        at=timezone.now(),
        type="subscriber.updated",
        actor_kind=_ALICE.kind,
        actor_id=_ALICE.id,
        actor_label=_ALICE.label,
        ip="192.0.2.7",
        actor_salt=secrets.token_hex(16),
        subject_type=_DORA.type,
        subject_id=_DORA.id,
        subject_label=_DORA.label,
        data=_DATA,
        salt=secrets.token_hex(16),
    )
    event.digest = event_digest(event)
    event.stamp = stamp_of(event.digest)
    return event


def _rate(what: str, count: int, seconds: float, bar: int) -> Result:
    rate = count / seconds
    ours = f"{count:,} in {seconds:.2f} s"
    return Result(what, ours, "", f"{rate:,.0f}/s", f"≥ {bar:,}/s", rate >= bar)
