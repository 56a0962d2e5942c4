"""What is told of the queue, of those who run it, and of the clock."""

from collections.abc import Iterator
from typing import Any

from django.db import connection
from prometheus_client import Counter, Histogram

from apps.core.commands import as_here
from apps.core.telemetry.checks import checks
from apps.core.telemetry.readings import Measure, Sample, reads
from apps.work import beats
from apps.work.constants import DONE, FAILED, OPEN
from apps.work.registry import kinds
from dotmac.telemetry.numbers import WORK_BUCKETS_S

_SECONDS = Histogram(
    "dotmac_work_seconds",
    "Time of one turn at a piece of work, by how it ended: ran, crashed, lost.",
    ["kind", "outcome"],
    buckets=WORK_BUCKETS_S,
)
_BEAT_SECONDS = Counter("dotmac_clock_duty_seconds", "Time the clock spent on a duty.", ["duty"])
_BEAT_RUNS = Counter("dotmac_clock_duty_runs", "Times the clock did a duty.", ["duty", "outcome"])

_ITEMS = Measure("dotmac_work_items", "Pieces of work that are open.", ("kind", "state"))
_DUE = Measure("dotmac_work_due", "Pieces of work that are due and not taken yet.", ("kind",))
_LATE = Measure(
    "dotmac_work_late", "Pieces of work that have been due for more than a minute.", ("kind",)
)
_OLDEST = Measure(
    "dotmac_work_oldest_due_seconds",
    "How long the work that waits longest has been due.",
    ("kind",),
)
_STALLED = Measure(
    "dotmac_work_stalled", "Open pieces of work whose last turns brought no progress.", ("kind",)
)
_ENDED = Measure(
    "dotmac_work_ended_hour", "Pieces of work that ended within the last hour.", ("kind", "state")
)
_BEAT_AGE = Measure(
    "dotmac_clock_duty_age_seconds", "Time since the clock last did a duty.", ("duty",)
)
_BEAT_EVERY = Measure("dotmac_clock_duty_interval_seconds", "How often a duty is due.", ("duty",))

# By the two partial indexes of what is open.
_OPEN_SQL = """
    SELECT kind, state, count(*), sum((stalls > 0)::int),
        sum((state <> 'running' AND due_at <= now())::int),
        sum((state <> 'running' AND due_at <= now() - interval '1 minute')::int),
        max(CASE WHEN state <> 'running' THEN extract(epoch FROM now() - due_at) ELSE 0 END)
    FROM (
        SELECT kind, state, stalls, due_at FROM "public"."work_due"
            WHERE state IN ('queued', 'waiting')
        UNION ALL
        SELECT kind, state, stalls, due_at FROM "public"."work_due" WHERE state = 'running'
    ) AS items GROUP BY kind, state
"""
# Of a busier hour only the last fifty thousand.
_ENDED_SQL = """
    SELECT kind, state, count(*) FROM (
        SELECT kind, state FROM "public"."work_due"
        WHERE finished_at > now() - interval '1 hour' ORDER BY finished_at DESC LIMIT 50000
    ) AS ended GROUP BY kind, state
"""


def note_run(kind: str, outcome: str, seconds: float) -> None:
    """Count a turn at a piece of work."""
    _SECONDS.labels(_known(kind), outcome).observe(seconds)


def note_beat(name: str, is_well: bool, seconds: float) -> None:
    """Count a duty that the clock did, or failed to do."""
    _BEAT_RUNS.labels(name, "done" if is_well else "failed").inc()
    _BEAT_SECONDS.labels(name).inc(seconds)


@reads("work", _ITEMS, _DUE, _LATE, _OLDEST, _STALLED, _ENDED)
def _queue() -> Iterator[Sample]:
    items: dict[tuple[str, str], float] = {}
    sums = {one: dict.fromkeys(kinds(), 0.0) for one in (_DUE, _LATE, _OLDEST, _STALLED)}
    for kind, state, count, stalled, due, late, oldest in _rows(_OPEN_SQL):
        known = _known(kind)
        items[known, state] = items.get((known, state), 0) + count
        for measure, value in ((_DUE, due), (_LATE, late), (_STALLED, stalled)):
            sums[measure][known] = sums[measure].get(known, 0) + value
        sums[_OLDEST][known] = max(sums[_OLDEST].get(known, 0), float(oldest), 0)
    for kind in kinds():
        for state in OPEN:
            items.setdefault((kind, state), 0)
    yield from ((_ITEMS, value, key) for key, value in items.items())
    for measure, values in sums.items():
        yield from ((measure, value, (kind,)) for kind, value in values.items())
    yield from _ended()


def _ended() -> Iterator[Sample]:
    ended: dict[tuple[str, str], float] = {
        (kind, state): 0 for kind in kinds() for state in (DONE, FAILED)
    }
    for kind, state, count in _rows(_ENDED_SQL):
        key = (_known(kind), state)
        ended[key] = ended.get(key, 0) + count
    yield from ((_ENDED, value, key) for key, value in ended.items())


@reads("clock", _BEAT_AGE, _BEAT_EVERY)
def _clock() -> Iterator[Sample]:
    for name, every_s, age_s in beats.ages():
        yield _BEAT_AGE, age_s, (name,)
        yield _BEAT_EVERY, every_s, (name,)


@checks("clock", is_fatal=False)
def _clock_goes() -> str:
    """Requests are answered without it, so it only warns."""
    age_s = beats.since_any_s()
    if age_s is None:
        return as_here("It has never ticked. Start it: `python manage.py clock`.")
    return "" if age_s <= beats.STILL_S else f"It last ticked {age_s:.0f} s ago."


def _known(kind: str) -> str:
    """Kinds of another release are one."""
    return kind if kind in kinds() else "other"


def _rows(query: str) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(query)
        found: list[tuple[Any, ...]] = cursor.fetchall()
        return found
