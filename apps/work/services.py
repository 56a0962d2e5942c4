"""Putting work in the queue, waking it, and saying how it ended."""

from datetime import datetime, timedelta
from functools import partial

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Q
from django.utils import timezone
from django_q.tasks import async_task

from apps.tenancy.kinds import operator
from apps.work.constants import KEPT_DAYS
from apps.work.leases import Lease
from apps.work.models import Due, Signal

# A wake-up that brought nobody is repeated after this.
REWAKE_AFTER = timedelta(seconds=30)
_JOB = "apps.work.jobs.run"


def enqueue(kind: str, subject: str, *, title: str, due_at: datetime | None = None) -> Due:
    """Put work of the current schema in the queue; a worker is woken on commit."""
    now = timezone.now()
    due = Due.objects.create(
        schema=connection.schema_name,
        kind=kind,
        subject=subject,
        title=title[:200],
        due_at=due_at or now,
        created_at=now,
        woken_at=now if due_at is None else None,
    )
    if due_at is None:
        transaction.on_commit(partial(wake, str(due.pk)))
    return due


def wake(due_id: str) -> None:
    """Call a worker for a piece of work; the broker's table lies in `public`."""
    with operator():
        async_task(_JOB, due_id)


def wake_due() -> int:
    """Wake what became due and what nobody came for; returns how many."""
    now = timezone.now()
    late = Q(woken_at=None) | Q(woken_at__lt=now - REWAKE_AFTER)
    with transaction.atomic():
        rows = Due.objects.select_for_update(skip_locked=True).filter(
            late, state__in=[Due.State.QUEUED, Due.State.WAITING], due_at__lte=now
        )[:200]
        ids = [row.pk for row in rows]
        Due.objects.filter(pk__in=ids).update(woken_at=now)
    for due_id in ids:
        wake(str(due_id))
    return len(ids)


def reap() -> int:
    """Hand on work whose worker let the lease run out; returns how many."""
    now = timezone.now()
    return Due.objects.filter(state=Due.State.RUNNING, lease_until__lt=now).update(
        state=Due.State.QUEUED, due_at=now, woken_at=None, lease_until=None
    )


def finish(lease: Lease, state: str, *, reason: str = "") -> None:
    """Close a piece of work; call it inside `lease.atomic()`."""
    Due.objects.filter(pk=lease.due_id).update(
        state=state,
        reason=reason[:300],
        lease_until=None,
        finished_at=timezone.now(),
        **({"progress": 100} if state == Due.State.DONE else {}),
    )


def postpone(lease: Lease, *, seconds: float, reason: str) -> None:
    """Give work back until later; call it inside `lease.atomic()`."""
    Due.objects.filter(pk=lease.due_id).update(
        state=Due.State.WAITING,
        reason=reason[:300],
        lease_until=None,
        woken_at=None,
        due_at=timezone.now() + timedelta(seconds=seconds),
    )


def hasten(kind: str, subject: str) -> None:
    """Make waiting work of the current schema due now."""
    rows = Due.objects.filter(schema=connection.schema_name, kind=kind, subject=subject)
    open_rows = rows.filter(state__in=[Due.State.QUEUED, Due.State.WAITING])
    if open_rows.update(due_at=timezone.now()):
        transaction.on_commit(partial(wake, str(open_rows.values_list("pk", flat=True)[0])))


def signal(kind: str) -> None:
    """Note that the current schema has news of a kind, for the clock to fetch."""
    Signal.objects.create(schema=connection.schema_name, kind=kind)


def take_signals(kind: str) -> list[str]:
    """The schemas with news of a kind; their notes are gone after this."""
    with connection.cursor() as cursor:
        cursor.execute(
            'DELETE FROM "public"."work_signal" WHERE kind = %s RETURNING schema', [kind]
        )
        return sorted({row[0] for row in cursor.fetchall()})


def forget_old() -> int:
    """Delete finished rows past their retention; returns how many."""
    before = timezone.now() - timedelta(days=KEPT_DAYS)
    return Due.objects.filter(finished_at__lt=before).delete()[0]


def reap_interval_s() -> float:
    """Seconds between two looks for lost leases."""
    return float(settings.REAP_SECONDS)


def show_progress(lease: Lease, percent: int) -> None:
    """Tell the operator's list how far it is."""
    Due.objects.filter(pk=lease.due_id, epoch=lease.epoch).update(progress=percent)
