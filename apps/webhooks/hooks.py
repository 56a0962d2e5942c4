"""Which deliveries are past their time."""

from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from apps.core.sealed import seals
from apps.events.actors import SYSTEM
from apps.tenancy.transfer.registry import Arrival, when_arrived
from apps.webhooks.models import Delivery, Endpoint
from apps.webhooks.services import KEPT, pause_endpoint
from apps.work.registry import forgets


@forgets
def _deliveries() -> QuerySet[Delivery]:
    """With their attempts; also of endpoints that have no turn any more."""
    old = Delivery.objects.filter(created_at__lt=timezone.now() - KEPT)
    return old.exclude(state=Delivery.State.PENDING)


@when_arrived("webhooks")
def _pause(arrival: Arrival) -> None:
    """A copy under another name sends nothing to receivers that the first one has."""
    active = Endpoint.objects.filter(status=Endpoint.Status.ACTIVE) if arrival.is_renamed else ()
    for endpoint in active:
        pause_endpoint(endpoint, actor=SYSTEM)
    if active:
        arrival.notes.append(_("Its webhooks are paused, since it came under another name."))


seals(Endpoint, "secret", "old_secret")
