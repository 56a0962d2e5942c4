"""What of imports is past its time."""

from datetime import timedelta

from django.db.models import QuerySet
from django.utils import timezone

from apps.subscribers.models import ImportRow
from apps.work.registry import forgets

ROWS_KEPT = timedelta(days=90)


@forgets
def _rows() -> QuerySet[ImportRow]:
    """The rows in error of a list that is imported; how many there were stays with the list."""
    return ImportRow.objects.filter(source__finished_at__lt=timezone.now() - ROWS_KEPT)
