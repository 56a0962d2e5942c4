"""What becomes of deliveries and endpoints after an attempt."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import F
from django.db.models.functions import Coalesce
from django.utils import timezone
from django.utils.translation import gettext as _

from apps.events import services as events
from apps.events.actors import SYSTEM
from apps.webhooks.models import Attempt, Delivery, Endpoint
from dotmac.webhooks import Answer

# Seconds after each failed attempt; the last is more than a day after the first.
BACKOFF_S = (5, 60, 300, 1800, 7200, 18_000, 28_800, 36_000)
# Without any success for so long, an endpoint is switched off.
PATIENCE = timedelta(hours=24)
# After so many turns in a row without any success one delivery at a time is tried.
FAILING = 5
# What is away for longer than a restart or a release takes is asked less and less often.
RESTS_AFTER = timedelta(minutes=15)
_REST_S, _LONGEST_REST_S = 30, 900
_GONE = 410
DISABLED = "webhook.disabled"
_PENDING = Delivery.State.PENDING


@dataclass(frozen=True)
class Outcome:
    """A delivery, the answer to it, and when it was sent."""

    delivery: Delivery
    answer: Answer
    at: datetime


def note(endpoint: Endpoint, outcomes: Sequence[Outcome]) -> None:
    """Write attempts down, and decide what is tried again, and whether the endpoint goes on."""
    if not outcomes:
        return
    now = timezone.now()
    Attempt.objects.bulk_create([_attempt(one) for one in outcomes])
    for (attempts, is_ok), some in _alike(outcomes).items():
        _note_deliveries(some, attempts, now, is_ok=is_ok)
    _note_endpoint(endpoint, outcomes, now)


def give_up(delivery: Delivery) -> None:
    """End a delivery that has nothing to send."""
    Delivery.objects.filter(pk=delivery.pk, state=_PENDING).update(
        state=Delivery.State.FAILED, ended_at=timezone.now()
    )


def _attempt(outcome: Outcome) -> Attempt:
    answer = outcome.answer
    return Attempt(
        delivery=outcome.delivery,
        at=outcome.at,
        status=answer.status,
        duration_ms=answer.duration_ms,
        error=answer.error[:200],
        # A database text holds no NUL.
        answer=answer.text.replace("\x00", "�"),
    )


def _alike(outcomes: Sequence[Outcome]) -> dict[tuple[int, bool], list[int]]:
    """Deliveries that are written down by one statement: as often tried, with the same end."""
    found: dict[tuple[int, bool], list[int]] = {}
    for one in outcomes:
        found.setdefault((one.delivery.attempts, one.answer.is_ok), []).append(one.delivery.pk)
    return found


def _note_deliveries(keys: list[int], before: int, now: datetime, *, is_ok: bool) -> None:
    attempts = before + 1
    if is_ok:
        change = {"state": Delivery.State.DELIVERED, "ended_at": now}
    elif attempts > len(BACKOFF_S):
        change = {"state": Delivery.State.FAILED, "ended_at": now}
    else:
        change = {"due_at": now + timedelta(seconds=BACKOFF_S[attempts - 1])}
    # One that was asked to be sent again meanwhile has other attempts, and stays as it is.
    rows = Delivery.objects.filter(pk__in=keys, state=_PENDING, attempts=before)
    rows.update(attempts=attempts, **change)


def _note_endpoint(endpoint: Endpoint, outcomes: Sequence[Outcome], now: datetime) -> None:
    rows = Endpoint.objects.filter(pk=endpoint.pk, status=Endpoint.Status.ACTIVE)
    if any(one.answer.is_ok for one in outcomes):
        rows.update(failures=0, failing_since=None, rests_until=None)
        return
    rows.update(failures=F("failures") + 1, failing_since=Coalesce("failing_since", now))
    endpoint.refresh_from_db()
    away = now - (endpoint.failing_since or now)
    if endpoint.failures >= FAILING and away >= RESTS_AFTER:
        rest_s = max(_REST_S, min(away.total_seconds() / 10, _LONGEST_REST_S))
        rows.update(rests_until=now + timedelta(seconds=rest_s))
    is_gone = any(one.answer.status == _GONE for one in outcomes)
    is_old = endpoint.failing_since is not None and endpoint.failing_since <= now - PATIENCE
    is_late = is_old and endpoint.failures >= FAILING
    if is_gone or is_late:
        _switch_off(endpoint, _("It answered that it is gone (410).") if is_gone else "")


def _switch_off(endpoint: Endpoint, reason: str) -> None:
    """Send nothing more; the event's reaction tells the owners."""
    rows = Endpoint.objects.filter(pk=endpoint.pk, status=Endpoint.Status.ACTIVE)
    if not rows.update(status=Endpoint.Status.DISABLED):
        return
    waiting = Delivery.objects.filter(endpoint=endpoint, state=_PENDING)
    lost = waiting.update(state=Delivery.State.FAILED, ended_at=timezone.now())
    reason = reason or _("Nothing was delivered for a day.")
    data = {"reason": reason, "undelivered": lost}
    events.record(DISABLED, actor=SYSTEM, subject=endpoint, data=data)
