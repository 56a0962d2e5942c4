"""Every event is offered to the endpoints of its schema; their managers hear of one that is off."""

from collections.abc import Sequence

from django.utils.translation import gettext_lazy as _

from apps.accounts.access import who_may
from apps.events import services as events
from apps.events.models import Event
from apps.notifications.constants import WARNING
from apps.notifications.registry import Kind, register
from apps.notifications.services import row_url, tell
from apps.webhooks.models import Endpoint
from apps.webhooks.outcomes import DISABLED
from apps.webhooks.permissions import MANAGE
from apps.webhooks.services import deliver

SWITCHED_OFF = register(
    Kind(
        DISABLED,
        title=_("A webhook is switched off because nothing can be delivered"),
        heading=_("Webhooks to %(endpoint)s are switched off"),
        body=_(
            "Nothing was delivered for a day, or the receiver answered that it is gone (410)."
            " Deliveries that were not made: %(undelivered)s. When the receiver works again,"
            " open the webhook, resume it, and replay what it missed: events stay for 30 days."
        ),
        tone="bad",
        severity=WARNING,
    )
)


@events.reacts_to_batches
def _send_out(happened: Sequence[Event]) -> None:
    deliver(happened)


@events.reacts_to(DISABLED)
def _tell_of_end(event: Event) -> None:
    url = row_url(Endpoint, event.subject_id, "webhooks_endpoint")
    tell(SWITCHED_OFF, event, people=who_may(MANAGE), url=url, endpoint=event.subject_label)
