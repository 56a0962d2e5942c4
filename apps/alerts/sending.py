"""Putting deliveries of alerts in the queue."""

from datetime import datetime

from apps.alerts.models import AlertDelivery
from apps.work import services as work

KIND = "alert"


def hand_over(delivery: AlertDelivery, *, due_at: datetime | None = None) -> None:
    """Wake a worker for it, at a time if there is one; inside the transaction that made it."""
    title = f"Alert by {delivery.channel.get_kind_display()}"
    work.enqueue(KIND, str(delivery.uuid), title=title, due_at=due_at)
