"""Putting deliveries of alerts in the queue."""

from datetime import datetime

from django.utils.translation import gettext_noop

from apps.alerts.models import AlertChannel, AlertDelivery
from apps.work import services as work
from apps.work.words import words

KIND = "alert"


def hand_over(delivery: AlertDelivery, *, due_at: datetime | None = None) -> None:
    """Wake a worker for it, at a time if there is one; inside the transaction that made it."""
    kind = AlertChannel.Kind(delivery.channel.kind).label
    title = words(gettext_noop("Alert by {kind}"), kind=kind)
    work.enqueue(KIND, str(delivery.uuid), title=title, due_at=due_at)
