"""What of ended operations is past its time."""

from datetime import timedelta

from django.db.models import QuerySet
from django.utils import timezone

from apps.operations.models import LogLine
from apps.work.registry import forgets

# Operations and their steps stay: they are the history of what they did.
LINES_KEPT = timedelta(days=180)


@forgets
def _lines() -> QuerySet[LogLine]:
    return LogLine.objects.filter(operation__finished_at__lt=timezone.now() - LINES_KEPT)
