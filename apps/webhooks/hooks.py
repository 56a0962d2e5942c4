"""Which deliveries are past their time."""

from django.db.models import QuerySet
from django.utils import timezone

from apps.webhooks.models import Delivery
from apps.webhooks.services import KEPT
from apps.work.registry import forgets


@forgets
def _deliveries() -> QuerySet[Delivery]:
    """With their attempts; also of endpoints that have no turn any more."""
    old = Delivery.objects.filter(created_at__lt=timezone.now() - KEPT)
    return old.exclude(state=Delivery.State.PENDING)
