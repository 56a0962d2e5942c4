"""Putting work in the queue, waking it, and saying how it ended."""

from datetime import datetime, timedelta
from functools import partial
from typing import Any

from django.conf import settings
from django.db import connection, transaction
from django.db.models import F, Q
from django.db.models.functions import Now
from django.utils import timezone
from django_q.tasks import async_task

from apps.tenancy.kinds import current_schema, operator
from apps.work.constants import KEPT_DAYS
from apps.work.leases import Lease
from apps.work.models import Due, Signal
from apps.work.registry import Failure, failed
from apps.work.words import Words
from dotmac.telemetry import tracing

# A wake-up that brought nobody is repeated after this.
REWAKE_AFTER = timedelta(seconds=30)
_SAME_TRACE_S = 900
SIGNALS_AT_ONCE = 10_000
# For a writer that notes its news together with what it writes: schema and kind.
SIGNAL_SQL = 'INSERT INTO "public"."work_signal" (schema, kind) VALUES (%s, %s)'
_JOB = "apps.work.jobs.run"


def enqueue(kind: str, subject: str, *, title: Words | str, due_at: datetime | None = None) -> Due:
    """Put work of the current schema in the queue; a worker is woken on commit."""
    now = timezone.now()
    due = Due.objects.create(
        schema=current_schema(),
        kind=kind,
        subject=subject,
        **_titled(title),
        # On the database's clock, like the claim: on a host whose clock is ahead it would not
        # be due yet when its wake-up comes.
        due_at=due_at or Now(),
        created_at=now,
        woken_at=now if due_at is None else None,
        traceparent=tracing.traceparent(),
    )
    if due_at is None:
        _wake_on_commit(due.pk)
    return due


def ensure(kind: str, subject: str, *, title: Words | str) -> None:
    """Have periodic work of the current schema, due now: made once, made due again otherwise.

    Its runner postpones it after each turn, so that it never ends.
    """
    now = timezone.now()
    row, is_new = Due.objects.get_or_create(
        schema=current_schema(),
        kind=kind,
        subject=subject,
        defaults={**_titled(title), "due_at": now, "created_at": now},
    )
    if not is_new:
        Due.objects.filter(pk=row.pk, state__in=[Due.State.QUEUED, Due.State.WAITING]).update(
            due_at=now, woken_at=None, traceparent=tracing.traceparent()
        )


def wake(due_id: str) -> None:
    """Call a worker for a piece of work; the broker's table lies in `public`."""
    with operator():
        async_task(_JOB, due_id)


def _wake_on_commit(due_id: object) -> None:
    # Robust: where the broker is away the clock repeats the wake-up, and the caller has committed.
    transaction.on_commit(partial(wake, str(due_id)), robust=True)


def wake_due() -> int:
    """Wake what became due and what nobody came for; returns how many."""
    late = Q(woken_at=None) | Q(woken_at__lt=Now() - REWAKE_AFTER)
    with transaction.atomic():
        rows = Due.objects.select_for_update(skip_locked=True).filter(
            late, state__in=[Due.State.QUEUED, Due.State.WAITING], due_at__lte=Now()
        )
        ids = list(rows.order_by("due_at").values_list("pk", flat=True)[:200])
        Due.objects.filter(pk__in=ids).update(woken_at=Now())
    for due_id in ids:
        wake(str(due_id))
    return len(ids)


def reap() -> int:
    """Hand on work whose worker let the lease run out; returns how many.

    A row that its worker holds locked is passed over: nobody stops the clock.
    """
    with transaction.atomic():
        stale = Due.objects.select_for_update(skip_locked=True).filter(
            state=Due.State.RUNNING, lease_until__lt=Now()
        )
        ids = list(stale.values_list("pk", flat=True))
        return Due.objects.filter(pk__in=ids).update(
            state=Due.State.QUEUED,
            due_at=Now(),
            woken_at=None,
            lease_until=None,
            stalls=F("stalls") + 1,
        )


def finish(lease: Lease, state: str, *, reason: Words | str = "") -> None:
    """Close a piece of work; call it inside `lease.atomic()`."""
    Due.objects.filter(pk=lease.due_id).update(
        state=state,
        **_reasoned(reason),
        lease_until=None,
        finished_at=timezone.now(),
        **({"progress": 100} if state == Due.State.DONE else {}),
    )
    if state == Due.State.FAILED:
        title = Due.objects.values_list("title", flat=True).get(pk=lease.due_id)
        failed(Failure(lease.schema, lease.kind, lease.subject, title, str(reason)[:300]))


def postpone(lease: Lease, *, seconds: float, reason: Words | str, stalls: int = 0) -> None:
    """Give work back until later; call it inside `lease.atomic()`.

    What is due at once is woken by the caller's commit, behind whatever else waits for a worker:
    the clock would let it lie for up to a second.
    """
    is_due = seconds <= 0
    # A turn so much later is no part of what somebody asked for once.
    trace = {} if seconds <= _SAME_TRACE_S else {"traceparent": ""}
    Due.objects.filter(pk=lease.due_id).update(
        state=Due.State.WAITING,
        **_reasoned(reason),
        stalls=stalls,
        lease_until=None,
        woken_at=Now() if is_due else None,
        due_at=Now() + timedelta(seconds=seconds),
        **trace,
    )
    if is_due:
        _wake_on_commit(lease.due_id)


@transaction.atomic
def again(kind: str, subject: str, *, title: Words | str) -> None:
    """Have work that ended done once more, also where its row is forgotten already."""
    facts = {"schema": current_schema(), "kind": kind, "subject": subject}
    if Due.objects.filter(**facts).exists():
        hasten(kind, subject)
    else:
        enqueue(kind, subject, title=title)


@transaction.atomic
def hasten(kind: str, subject: str) -> None:
    """Make work of the current schema due now: what waits, and what was abandoned.

    Call it only for a subject that still has something to do.
    """
    rows = Due.objects.select_for_update().filter(
        schema=current_schema(), kind=kind, subject=subject
    )
    asked = tracing.traceparent()
    trace = {"traceparent": asked} if asked else {}
    # The state is looked at under the lock: filtered by, a row that ends just now would be missed.
    for due_id, state in rows.values_list("pk", "state"):
        if state == Due.State.RUNNING:
            continue
        Due.objects.filter(pk=due_id).update(
            state=Due.State.QUEUED, due_at=Now(), stalls=0, finished_at=None, **trace
        )
        _wake_on_commit(due_id)


def call(kind: str, subject: str, *, title: Words | str) -> None:
    """Have work of the current schema done now, unless it is called already.

    A runner that is at it right now is not called again: it looks for more before it ends, under
    a lock that the caller holds too.
    """
    row = Due.objects.filter(schema=current_schema(), kind=kind, subject=subject)
    if not row.filter(state=Due.State.QUEUED, due_at__lte=Now()).exists():
        ensure(kind, subject, title=title)
        hasten(kind, subject)


def note_failure(kind: str, subject: str, *, title: Words | str, reason: Words | str) -> None:
    """Put something that failed for good on the operator's list, from the current schema."""
    now = timezone.now()
    facts = {**_titled(title), **_reasoned(reason), "state": Due.State.FAILED}
    Due.objects.update_or_create(
        schema=current_schema(),
        kind=kind,
        subject=subject,
        defaults={**facts, "finished_at": now},
        create_defaults={**facts, "finished_at": now, "created_at": now, "due_at": now},
    )
    failed(Failure(current_schema(), kind, subject, str(title)[:200], str(reason)[:300]))


def note_mended(kind: str, subject: str) -> bool:
    """Take what `note_failure` put there off the list; False where it does not stand there."""
    rows = Due.objects.filter(
        schema=current_schema(), kind=kind, subject=subject, state=Due.State.FAILED
    )
    return bool(rows.update(state=Due.State.DONE, progress=100, finished_at=timezone.now()))


def signal(kind: str) -> None:
    """Note that the current schema has news of a kind, for the clock to fetch."""
    Signal.objects.create(schema=current_schema(), kind=kind)


def signals(kind: str) -> dict[str, list[int]]:
    """The schemas with news of a kind, and the notes to forget once the news is fetched."""
    notes: dict[str, list[int]] = {}
    rows = Signal.objects.filter(kind=kind).order_by("id").values_list("schema", "id")
    for schema, note in rows[:SIGNALS_AT_ONCE]:
        notes.setdefault(schema, []).append(note)
    return notes


def forget_signals(notes: list[int]) -> None:
    """Delete notes whose news is fetched; ones that came meanwhile stay."""
    with connection.cursor() as cursor:
        cursor.execute('DELETE FROM "public"."work_signal" WHERE id = ANY(%s)', [notes])


def forget_old() -> int:
    """Delete finished rows past their retention; returns how many."""
    before = timezone.now() - timedelta(days=KEPT_DAYS)
    return Due.objects.filter(finished_at__lt=before).delete()[0]


def reap_interval_s() -> float:
    """Seconds between two looks for lost leases."""
    return float(settings.REAP_SECONDS)


def note_progress(lease: Lease, percent: int | None = None) -> None:
    """Tell the operator's list how far it is, and that it does not stall."""
    shown = {} if percent is None else {"progress": percent}
    Due.objects.filter(pk=lease.due_id, epoch=lease.epoch).update(stalls=0, **shown)
    lease.stalls = 0


def _titled(title: Words | str) -> dict[str, Any]:
    return {"title": str(title)[:200], "title_words": _kept(title)}


def _reasoned(reason: Words | str) -> dict[str, Any]:
    return {"reason": str(reason)[:300], "reason_words": _kept(reason)}


def _kept(said: Words | str) -> dict[str, Any] | None:
    return said.kept() if isinstance(said, Words) else None
