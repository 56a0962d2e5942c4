"""What of ended operations is past its time."""

from datetime import timedelta

from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext

from apps.events import services as events
from apps.events.actors import SYSTEM
from apps.operations.models import LogLine, Operation, Step
from apps.operations.services import subject_of_operation
from apps.tenancy.transfer.registry import Arrival, when_arrived
from apps.work.registry import forgets

# Operations and their steps stay: they are the history of what they did.
LINES_KEPT = timedelta(days=180)


@forgets
def _lines() -> QuerySet[LogLine]:
    return LogLine.objects.filter(operation__finished_at__lt=timezone.now() - LINES_KEPT)


@when_arrived("operations")
def _operations(_arrival: Arrival) -> None:
    """What was under way goes on where this schema came from, and would be done twice."""
    now = timezone.now()
    cause = gettext("It was under way where this came from. Start it again if it is wanted here.")
    ended = {"status": Operation.Status.FAILED, "cause": cause, "finished_at": now}
    for operation in Operation.objects.filter(status__in=Operation.ACTIVE):
        running = operation.steps.filter(status=Step.Status.RUNNING)
        running.update(status=Step.Status.FAILED, error=cause, finished_at=now)
        Operation.objects.filter(pk=operation.pk).update(**ended, waits_for="")
        events.record(
            "operation.failed",
            actor=SYSTEM,
            subject=subject_of_operation(operation),
            data={"operation": str(operation.uuid), "name": operation.name, "cause": cause},
        )
