"""Sending alerts; a worker calls it."""

import time
from typing import Any
from urllib.parse import urlsplit

from django.db.models import F
from django.db.models.functions import Coalesce
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from apps.alerts.channels import address_of, secret_of
from apps.alerts.constants import PAUSES_S
from apps.alerts.messages import message_for
from apps.alerts.models import AlertChannel, AlertDelivery
from apps.alerts.sending import KIND
from apps.alerts.services import said_too_late
from apps.events import services as events
from apps.events.actors import SYSTEM
from apps.webhooks.services import reach
from apps.work import services as work
from apps.work.leases import Lease
from apps.work.models import Due
from apps.work.registry import Detail, runs, shows
from dotmac.crypto.fields import CipherError
from dotmac.webhooks import Answer, send
from dotmac.webhooks.sending import TIMEOUT_S

# Longer than any answer is waited for; then another worker may have it.
_DEADLINE_S = 30.0
_LEAST_REDACTED = 6
_What, _Status = AlertDelivery.What, AlertDelivery.Status


@runs(KIND)
def deliver(lease: Lease) -> None:
    """Send one. A worker that dies between sending and saying so sends it twice."""
    rows = AlertDelivery.objects.select_related("alert", "channel")
    delivery = rows.filter(uuid=lease.subject, status=_Status.QUEUED).first()
    if delivery is None:
        with lease.atomic():
            work.finish(lease, Due.State.DONE)
        return
    why = _why_not(delivery)
    if why:
        _end(lease, delivery, _Status.DROPPED, why)
        return
    if lease.is_stuck:
        _end(lease, delivery, _Status.FAILED, "Its worker died again and again. The log says why.")
        return
    lease.assert_held()
    lease.works_until = time.monotonic() + _DEADLINE_S
    answer = _sent(delivery)
    if answer.is_ok:
        _note_success(lease, delivery, answer)
    else:
        _note_failure(lease, delivery, answer)


def _why_not(delivery: AlertDelivery) -> str:
    """Why there is no more need to send it; empty: there is."""
    if delivery.what == _What.TEST:
        return ""
    if not delivery.channel.is_on:
        return "The channel is off."
    is_over = delivery.alert is not None and delivery.alert.resolved_at is not None
    return "It was over before it was said." if is_over and delivery.what == _What.RAISED else ""


def _sent(delivery: AlertDelivery) -> Answer:
    """What came back, without what it repeats of address and secret. No transaction here."""
    try:
        answer = send(message_for(delivery), reach(), timeout_s=TIMEOUT_S)
        first = (answer.text.replace("\x00", "").strip().splitlines() or [""])[0]
        for hidden in _hidden(delivery.channel):
            first = first.replace(hidden, "…")
    except CipherError:
        return Answer(None, 0, "The key that its address is encrypted with is missing.")
    return Answer(answer.status, answer.duration_ms, answer.error, first[:200])


def _hidden(channel: AlertChannel) -> list[str]:
    """The longest first: a part of it may be in it."""
    url, secret = address_of(channel).reveal(), secret_of(channel)
    parts = urlsplit(url)
    found = [url, *parts.path.split("/"), parts.query, secret.reveal() if secret else ""]
    return sorted((one for one in found if len(one) >= _LEAST_REDACTED), key=len, reverse=True)


def _note_success(lease: Lease, delivery: AlertDelivery, answer: Answer) -> None:
    now = timezone.now()
    with lease.atomic():
        _update(delivery, answer, status=_Status.SENT, sent_at=now)
        said_too_late(delivery)
        rows = AlertChannel.objects.filter(pk=delivery.channel_id)
        was_told = rows.filter(told_at__isnull=False).update(told_at=None)
        rows.update(failures=0, failing_since=None, last_error="", last_sent_at=now)
        if was_told:
            events.record("alert_channel.recovered", actor=SYSTEM, subject=delivery.channel)
        work.finish(lease, Due.State.DONE)


def _note_failure(lease: Lease, delivery: AlertDelivery, answer: Answer) -> None:
    """Try again later, less and less often, or give up; a test is tried once."""
    tries = delivery.attempts + 1
    is_last = delivery.what == _What.TEST or tries > len(PAUSES_S)
    with lease.atomic():
        _update(delivery, answer, **({"status": _Status.FAILED} if is_last else {}))
        AlertChannel.objects.filter(pk=delivery.channel_id).update(
            failures=F("failures") + 1,
            failing_since=Coalesce("failing_since", timezone.now()),
            last_error=answer.error[:300],
        )
        if delivery.what == _What.TEST:
            work.finish(lease, Due.State.DONE, reason=answer.error)
        elif is_last:
            work.finish(lease, Due.State.FAILED, reason=answer.error)
        else:
            work.postpone(lease, seconds=PAUSES_S[tries - 1], reason=answer.error)


def _end(lease: Lease, delivery: AlertDelivery, status: str, error: str) -> None:
    with lease.atomic():
        queued = AlertDelivery.objects.filter(pk=delivery.pk, status=_Status.QUEUED)
        queued.update(status=status, error=error)
        is_lost = status == _Status.FAILED
        work.finish(lease, Due.State.FAILED if is_lost else Due.State.DONE, reason=error)


def _update(delivery: AlertDelivery, answer: Answer, **values: object) -> None:
    """One more try; inside `lease.atomic()`, whose epoch fences it."""
    queued = AlertDelivery.objects.filter(pk=delivery.pk, status=_Status.QUEUED)
    queued.update(
        attempts=F("attempts") + 1,
        answer_status=answer.status,
        answer=answer.text[:200],
        error=answer.error[:300],
        **values,
    )


def _context(subject: str) -> dict[str, Any]:
    delivery = AlertDelivery.objects.select_related("channel").get(uuid=subject)
    states = {_Status.SENT: "done", _Status.DROPPED: "done", _Status.FAILED: "failed"}
    is_lost = delivery.status == _Status.FAILED
    return {
        "operation": {
            "id": subject,
            "title": str(delivery),
            "status": states.get(_Status(delivery.status), "waiting"),
            "cause": delivery.error if is_lost else "",
            "waiting_for": delivery.error,
        },
        "steps": [],
    }


def _steer(subject: str, what: str, user: Any) -> str:
    return _("An alert that was not delivered is old news. Test the channel instead.")


# Apart from all others, so that an alert that fails is not told by another alert.
shows(
    KIND,
    Detail(
        _context,
        _steer,
        together=gettext_lazy("Alerts that were not delivered in 7 days: %(count)s"),
    ),
)
