"""What people were told so long ago that it goes, and what lower apps ask of suppression."""

from datetime import timedelta

from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext

from apps.branding.guests import suppression_source
from apps.branding.outcomes import when_no_address
from apps.core.sealed import seals
from apps.events.actors import SYSTEM
from apps.notifications.constants import KEPT_DAYS
from apps.notifications.models import Delivery, Notification, SmsGateway
from apps.notifications.suppression import reason_against, suppress
from apps.tenancy.transfer.registry import Arrival, when_arrived
from apps.work.registry import forgets


@forgets
def _notifications() -> QuerySet[Notification]:
    """With their deliveries; also of people who are told of nothing any more."""
    return Notification.objects.filter(created_at__lt=timezone.now() - timedelta(days=KEPT_DAYS))


suppression_source(reason_against)


@when_no_address
def _suppress(address: str, code: int) -> None:
    """What an invitation or a sign-in mail was refused for counts for all that follow."""
    suppress(address, reason=f"Refused: {code}", actor=SYSTEM)


@when_arrived("notifications")
def _deliveries(_arrival: Arrival) -> None:
    """What was on its way is sent from where this schema came from."""
    left = Delivery.objects.filter(status=Delivery.Status.QUEUED)
    left.update(status=Delivery.Status.FAILED, error=gettext("It stayed where this came from."))


seals(SmsGateway, "headers")
