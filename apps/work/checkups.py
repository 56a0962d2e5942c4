"""Whether work is done: the clock, the workers, what waits too long, and the broker's queue."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from django.db import connection
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop
from django_q.models import OrmQ

from apps.core.health import SOON_S, Finding, check, mends, problem, some, warning
from apps.work import services
from apps.work.constants import BEAT_LIMIT_S, CLOCK_LOCK
from apps.work.models import Due, Signal

_LATE = timedelta(minutes=5)
# The reaper comes every few seconds; a lease that is over for longer shows that it does not.
_LAPSED = timedelta(minutes=2)
_MANY_TASKS, _MANY_NOTES = 1000, 5000
# Sessions of the queue's processes, as config.settings names them.
_QUEUE = "dotmac qcluster"
_WAITS = (Due.State.QUEUED, Due.State.WAITING)
_CLOCK = """
    SELECT extract(epoch FROM clock_timestamp() - a.state_change)::int
    FROM pg_locks l JOIN pg_stat_activity a USING (pid)
    WHERE l.locktype = 'advisory' AND l.granted AND l.objid = %s
      AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
"""
_WORKERS = """
    SELECT count(*) FROM pg_stat_activity
    WHERE datname = current_database() AND application_name = %s
"""


@check("clock", _("Clock"), runbook="queue-stands-still", every_s=SOON_S)
def _clock() -> Iterator[Finding]:
    """By the session that holds its lock: it asks for it several times a second."""
    silent = _value(_CLOCK, [CLOCK_LOCK])
    if silent is None:
        yield problem(
            gettext_noop("No clock runs: nothing is woken, sealed, probed or renewed."),
            gettext_noop("Start it: `python manage.py clock`."),
        )
    elif silent > 1.5 * BEAT_LIMIT_S:
        yield problem(
            gettext_noop("The clock has done nothing for {seconds} seconds."),
            gettext_noop("Its log says at what it hangs. Start it anew: `python manage.py clock`."),
            seconds=silent,
        )


@check("workers", _("Workers"), runbook="queue-stands-still", every_s=SOON_S)
def _workers() -> Iterator[Finding]:
    if not _value(_WORKERS, [_QUEUE]):
        yield problem(
            gettext_noop("No worker is connected to the database."),
            gettext_noop("Start one: `python manage.py qcluster`."),
        )


@check("queue", _("Queue"), runbook="queue-stands-still", every_s=SOON_S)
def _queue() -> Iterator[Finding]:
    late = Due.objects.filter(state__in=_WAITS, due_at__lt=Now() - _LATE).order_by("due_at")
    count = late.count()
    if count:
        yield problem(
            gettext_noop("{count} pieces of work have been due for minutes, first: {names}."),
            gettext_noop(
                "See that clock and workers run; then"
                " `python manage.py doctor --only queue --mend` wakes what waits."
            ),
            count=count,
            names=some((f"{due.title} ({due.schema})" for due in late[:3]), 3),
        )
    lapsed = _lapsed().count()
    if lapsed:
        yield problem(
            gettext_noop("{count} pieces of work are held by workers that are gone."),
            gettext_noop("The clock hands them on: see that it runs (`python manage.py clock`)."),
            count=lapsed,
        )
    yield from _lengths()


def _lengths() -> Iterator[Finding]:
    tasks = OrmQ.objects.count()
    if tasks > _MANY_TASKS:
        yield warning(
            gettext_noop("{count} wake-ups wait for a worker."),
            gettext_noop("Start more workers: raise WORKERS, or run one more qcluster."),
            count=tasks,
        )
    notes = Signal.objects.count()
    if notes > _MANY_NOTES:
        yield warning(
            gettext_noop("{count} notes of news wait for the clock."),
            gettext_noop("The clock seals what they tell of: its log says why it does not."),
            count=notes,
        )


@mends("queue", _("Hand on what dead workers hold, and wake what is due"))
def _mend_queue() -> int:
    """What the clock does every second; each row under its own lock, so it never does harm."""
    return services.reap() + services.wake_due()


def _lapsed() -> Any:
    return Due.objects.filter(state=Due.State.RUNNING, lease_until__lt=Now() - _LAPSED)


def _value(statement: str, values: list[Any]) -> Any:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        row = cursor.fetchone()
        return row[0] if row else None
