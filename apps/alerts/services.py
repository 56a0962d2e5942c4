"""Raising alerts and saying that they are over, once each; workers send them (runner)."""

from datetime import datetime

from django.db import connection, transaction
from django.db.models import F
from django.utils import timezone

from apps.alerts.constants import KEPT, WINDOW
from apps.alerts.models import Alert, AlertChannel, AlertDelivery
from apps.alerts.sending import hand_over
from apps.notifications.registry import Notice, relays
from apps.tenancy.kinds import PUBLIC, current_schema

_LOCK = "SELECT pg_advisory_xact_lock(hashtext('alert'), hashtext(%s))"
_What, _Status = AlertDelivery.What, AlertDelivery.Status


@relays
def pass_on(notice: Notice) -> None:
    """What the operator is told also goes by its channels, where its kind is an alert."""
    if current_schema() != PUBLIC:
        return
    if notice.kind.severity:
        raise_alert(notice)
    if notice.kind.resolves:
        resolve(notice)


@transaction.atomic
def raise_alert(notice: Notice) -> Alert | None:
    """An alert on its way by every channel that wants it; None where the same was said just now.

    What came back within the window after it was over is said at the end of the window, unless it
    is over again by then.
    """
    _hold(notice.kind.key, notice.about)
    now = timezone.now()
    same = Alert.objects.filter(kind=notice.kind.key, about=notice.about[:200])
    if same.filter(key=notice.key[:200]).exists():
        return None
    last = same.order_by("-pk").first()
    sends_at = _sends_at(last, now)
    if last and last.resolved_at is None and last.sends_at > now - WINDOW:
        Alert.objects.filter(pk=last.pk).update(repeats=F("repeats") + 1)
        return None
    alert = Alert.objects.create(
        kind=notice.kind.key,
        about=notice.about[:200],
        key=notice.key[:200],
        severity=notice.kind.severity,
        data=dict(notice.data),
        url=notice.url,
        raised_at=now,
        sends_at=sends_at,
    )
    due_at = sends_at if sends_at > now else None
    for channel in AlertChannel.objects.filter(is_on=True).order_by("pk"):
        if channel.wants(alert.severity) and str(channel.uuid) not in alert.about:
            _queue(alert, channel, _What.RAISED, due_at)
    return alert


@transaction.atomic
def resolve(notice: Notice) -> int:
    """Note that alerts are over, and say so where they were said; returns how many were open."""
    _hold(notice.kind.resolves, notice.about)
    open_ones = Alert.objects.select_for_update().filter(
        kind=notice.kind.resolves, about=notice.about[:200], resolved_at=None
    )
    found = list(open_ones.order_by("-pk"))
    Alert.objects.filter(pk__in=[alert.pk for alert in found]).update(
        resolved_at=timezone.now(), resolved_kind=notice.kind.key, resolved_data=dict(notice.data)
    )
    said: set[int] = set()
    for alert in found:
        for delivery in alert.deliveries.filter(what=_What.RAISED, status=_Status.SENT):
            if delivery.channel_id not in said:
                said.add(delivery.channel_id)
                _queue(alert, delivery.channel, _What.RESOLVED)
    return len(found)


def said_too_late(delivery: AlertDelivery) -> None:
    """Say that an alert is over, where it was while it was being sent.

    In the transaction that marks it as sent: `resolve` saw it as not said yet.
    """
    if delivery.what != _What.RAISED or delivery.alert is None:
        return
    alert = Alert.objects.select_for_update().get(pk=delivery.alert.pk)
    if alert.resolved_at is not None:
        _queue(alert, delivery.channel, _What.RESOLVED)


@transaction.atomic
def forget_old() -> int:
    """Delete alerts and tests past their retention; returns how many rows went."""
    before = timezone.now() - KEPT
    tests = AlertDelivery.objects.filter(alert=None, created_at__lt=before)
    return Alert.objects.filter(raised_at__lt=before).delete()[0] + tests.delete()[0]


def _sends_at(last: Alert | None, now: datetime) -> datetime:
    if last is None:
        return now
    # One that was still to be sent was never said, so this one takes its time.
    return max(now, last.sends_at if last.sends_at > now else last.sends_at + WINDOW)


def _queue(alert: Alert, channel: AlertChannel, what: str, due_at: datetime | None = None) -> None:
    delivery, is_new = AlertDelivery.objects.get_or_create(alert=alert, channel=channel, what=what)
    if is_new:
        hand_over(delivery, due_at=due_at)


def _hold(kind: str, about: str) -> None:
    """Whoever raises or ends the same waits until this transaction is over."""
    with connection.cursor() as cursor:
        cursor.execute(_LOCK, [f"{kind} {about[:200]}"])
