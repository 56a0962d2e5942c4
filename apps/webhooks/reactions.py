"""Every event is offered to the endpoints of its schema."""

from apps.events import services as events
from apps.events.models import Event
from apps.webhooks.services import deliver


@events.reacts_to(events.ANY)
def _send_out(event: Event) -> None:
    deliver(event)
