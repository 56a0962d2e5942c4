"""What of imports is past its time."""

from datetime import timedelta

from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext

from apps.subscribers.imports import close_check, close_import, forget_old
from apps.subscribers.models import ImportRow, SubscriberImport
from apps.tenancy.transfer.registry import Arrival, when_arrived
from apps.work.registry import cleans, forgets

ROWS_KEPT = timedelta(days=90)

cleans(forget_old)


@forgets
def _rows() -> QuerySet[ImportRow]:
    """The rows in error of a list that is imported; how many there were stays with the list."""
    return ImportRow.objects.filter(source__finished_at__lt=timezone.now() - ROWS_KEPT)


@when_arrived("subscribers")
def _lists(_arrival: Arrival) -> None:
    """Files of lists are kept for a week only and do not come along; checked rows do."""
    cause = gettext("It was under way where this came from. Start it again if it is wanted here.")
    status = SubscriberImport.Status
    for source in SubscriberImport.objects.filter(status=status.UPLOADED):
        close_check(source, cause)
    for source in SubscriberImport.objects.filter(status=status.IMPORTING):
        close_import(source, is_done=False, cause=cause)
