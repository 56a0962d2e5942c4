"""Sending what is due to one endpoint: a piece of work for each, so that none holds another up."""

import json
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

from django.db import transaction
from django.db.models import Min
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from apps.events.models import Event
from apps.webhooks.metrics import note_sent
from apps.webhooks.models import Delivery, Endpoint
from apps.webhooks.outcomes import FAILING, Outcome, give_up, note
from apps.webhooks.secrets import secrets_of
from apps.webhooks.services import KEPT, KIND, body_of, reach, replay_some
from apps.work import services as work
from apps.work.leases import Lease
from apps.work.models import Due
from apps.work.registry import Detail, runs, shows
from apps.work.words import Words, words
from dotmac.crypto.secret import Secret
from dotmac.telemetry import tracing
from dotmac.webhooks import Message, send, sign
from dotmac.webhooks.sending import TIMEOUT_S
from dotmac.webhooks.signing import ID, SIGNATURE, TIMESTAMP

AT_ONCE = 8
_BATCH = 40
# Then another endpoint has its turn at this worker.
_TURN_S = 10.0
# Nothing is longer at work than a turn, the last sending and the writes; then it hangs.
_HANGS_S = 60.0
_STUCK_REST_S = 3600.0
_STUCK = gettext_noop("It failed again and again.")
_OFF = gettext_noop("The endpoint is off.")
_DELIVERED = gettext_noop("Everything is delivered.")
_LATER = gettext_noop("Failures in a row: {times}. It is tried again later.")
_NEXT = gettext_noop("The next are due.")


@runs(KIND)
def run_endpoint(lease: Lease) -> None:
    """Send what is due, until nothing is, the turn is over or the endpoint fails."""
    if lease.is_stuck:
        with lease.atomic():
            work.postpone(lease, seconds=_STUCK_REST_S, reason=words(_STUCK))
        return
    _forget_old(lease.subject)
    end = time.monotonic() + _TURN_S
    lease.works_until = time.monotonic() + _HANGS_S
    while not _close(lease, is_over=time.monotonic() > end):
        endpoint = Endpoint.objects.get(uuid=lease.subject)
        if endpoint.replay_until is not None:
            replay_some(endpoint)
        batch = _due(endpoint)
        outcomes = _send_all(endpoint, batch, end)
        with _held(lease):
            note(endpoint, outcomes)
        work.note_progress(lease)


def _due(endpoint: Endpoint) -> list[Delivery]:
    rows = Delivery.objects.filter(
        endpoint=endpoint, state=Delivery.State.PENDING, due_at__lte=timezone.now()
    )
    return list(rows.order_by("due_at", "pk")[: 1 if endpoint.failures >= FAILING else _BATCH])


def _send_all(endpoint: Endpoint, batch: list[Delivery], end: float) -> list[Outcome]:
    """Send a batch, some at a time; the threads see no database.

    After the end of the turn none is begun any more; what is left stays pending.
    """
    happened = Event.objects.in_bulk([one.event for one in batch], field_name="uuid")
    keys, allowed = secrets_of(endpoint), reach()
    messages: list[tuple[Delivery, Message]] = []
    for delivery in batch:
        body = body_of(delivery, happened.get(delivery.event))
        if body is None:
            give_up(delivery)
        else:
            messages.append((delivery, _message(endpoint.url, delivery, body, keys)))

    def post(pair: tuple[Delivery, Message]) -> Outcome | None:
        if time.monotonic() > end:
            return None
        at = timezone.now()
        return Outcome(pair[0], send(pair[1], allowed, timeout_s=TIMEOUT_S), at)

    with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="webhook") as pool:
        found = [outcome for outcome in pool.map(tracing.carried(post), messages) if outcome]
    note_sent(found)
    return found


def _message(url: str, delivery: Delivery, body: dict[str, Any], keys: list[Secret]) -> Message:
    text = json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()
    at, message_id = int(time.time()), str(delivery.event)
    signature = sign(message_id, at, text, keys)
    return Message(url, text, {ID: message_id, TIMESTAMP: str(at), SIGNATURE: signature})


def _close(lease: Lease, *, is_over: bool) -> bool:
    """Give the work back if nothing is due, or the turn is over; False to go on."""
    with _held(lease) as endpoint:
        if endpoint is None or endpoint.status != Endpoint.Status.ACTIVE:
            work.finish(lease, Due.State.DONE, reason=words(_OFF))
            return True
        next_at = _next_at(endpoint)
        if next_at is None:
            work.finish(lease, Due.State.DONE, reason=words(_DELIVERED))
            return True
        wait_s = (next_at - timezone.now()).total_seconds()
        if wait_s <= 0 and not is_over:
            return False
        work.postpone(lease, seconds=max(0.0, wait_s), reason=_reason(endpoint))
        return True


def _next_at(endpoint: Endpoint) -> Any:
    """When the next delivery is due; None without any.

    Of one that rests it is the end of its rest at the earliest, also while nothing is to be sent:
    who delivers to it until then does not call (services._deliver).
    """
    now = timezone.now()
    if endpoint.replay_until is not None and endpoint.rests_until is None:
        return now
    pending = Delivery.objects.filter(endpoint=endpoint, state=Delivery.State.PENDING)
    next_at = pending.aggregate(at=Min("due_at"))["at"]
    rests = endpoint.rests_until if (endpoint.rests_until or now) > now else None
    return max((at for at in (next_at, rests) if at is not None), default=None)


def _reason(endpoint: Endpoint) -> Words:
    return words(_LATER, times=endpoint.failures) if endpoint.failures else words(_NEXT)


@contextmanager
def _held(lease: Lease) -> Iterator[Endpoint | None]:
    """The endpoint's row, then the lease, in the order in which everybody locks them."""
    with transaction.atomic():
        rows = Endpoint.objects.select_for_update(no_key=True)
        endpoint = rows.filter(uuid=lease.subject).first()
        with lease.atomic():
            yield endpoint


def _forget_old(uuid: str) -> None:
    """Delete some of what ended long ago; each turn, so that they never become many."""
    ended = Delivery.objects.filter(endpoint__uuid=uuid, created_at__lt=timezone.now() - KEPT)
    old = ended.exclude(state=Delivery.State.PENDING).order_by("pk")
    Delivery.objects.filter(pk__in=list(old.values_list("pk", flat=True)[: _BATCH * 5])).delete()


def _context(subject: str) -> dict[str, Any]:
    endpoint = Endpoint.objects.filter(uuid=subject).first()
    waiting = Delivery.objects.filter(endpoint=endpoint, state=Delivery.State.PENDING).count()
    state = endpoint.get_status_display() if endpoint else _("Removed")
    said = _("%(state)s. Deliveries that wait: %(count)s.") % {"state": state, "count": waiting}
    rests = endpoint and endpoint.rests_until and endpoint.rests_until - timezone.now()
    if rests and rests > timedelta():
        said += " " + _("It rests %(seconds)s s.") % {"seconds": f"{rests.total_seconds():.0f}"}
    place = str(endpoint or _("an endpoint that is removed"))
    return {
        "operation": {
            "id": subject,
            "title": _("Send webhooks to {endpoint}").format(endpoint=place),
            "status": "waiting",
            "waiting_for": said,
        },
        "steps": [],
    }


def _steer(subject: str, what: str, user: Any) -> str:
    return _("Deliveries are steered by the owner of the endpoint, in its own admin.")


shows(KIND, Detail(_context, _steer))
