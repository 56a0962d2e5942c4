"""Every event is offered to the endpoints of its schema."""

from collections.abc import Sequence

from apps.events import services as events
from apps.events.models import Event
from apps.webhooks.services import deliver


@events.reacts_to_batches
def _send_out(happened: Sequence[Event]) -> None:
    deliver(happened)
