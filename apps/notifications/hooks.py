"""What people were told so long ago that it goes."""

from datetime import timedelta

from django.db.models import QuerySet
from django.utils import timezone

from apps.notifications.constants import KEPT_DAYS
from apps.notifications.models import Notification
from apps.work.registry import forgets


@forgets
def _notifications() -> QuerySet[Notification]:
    """With their deliveries; also of people who are told of nothing any more."""
    return Notification.objects.filter(created_at__lt=timezone.now() - timedelta(days=KEPT_DAYS))
