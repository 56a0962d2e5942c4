"""Starting, cancelling and repeating operations."""

from collections.abc import Mapping
from typing import Any

from django.db import IntegrityError, models, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from apps.core.exceptions import ConflictError
from apps.events import services as events
from apps.events.actors import Actor, Subject, subject_of
from apps.operations.exceptions import BusyError
from apps.operations.models import Operation, Step
from apps.operations.pipelines import pipeline_of
from apps.work import services as work
from apps.work.words import words

KIND = "operation"


@transaction.atomic
def start(
    name: str,
    *,
    subject: models.Model | Subject,
    actor: Actor,
    params: Mapping[str, Any] | None = None,
    retry_of: Operation | None = None,
) -> Operation:
    """Store an operation and queue it; BusyError while another one changes the subject."""
    pipeline = pipeline_of(name)
    about = subject if isinstance(subject, Subject) else subject_of(subject)
    operation = Operation(
        name=name,
        title=pipeline.title.format(subject=about.label)[:200],
        subject_type=about.type,
        subject_id=about.id,
        subject_label=about.label[:200],
        params=dict(params or {}),
        actor_kind=actor.kind,
        actor_id=actor.id,
        actor_label=actor.label,
        retry_of=retry_of.uuid if retry_of else None,
        created_at=timezone.now(),
    )
    try:
        with transaction.atomic():
            operation.save(force_insert=True)
    except IntegrityError as error:
        raise _busy(about) from error
    Step.objects.bulk_create(
        Step(operation=operation, position=i, key=step.key, title=step.title)
        for i, step in enumerate(pipeline.steps)
    )
    events.record("operation.queued", actor=actor, subject=about, data=_summary(operation))
    title = words(pipeline.title, subject=about.label)
    work.enqueue(KIND, str(operation.uuid), title=title)
    return operation


def active_on(subject: models.Model | Subject) -> Operation | None:
    """The operation that changes a subject at the moment."""
    about = subject if isinstance(subject, Subject) else subject_of(subject)
    return Operation.objects.filter(
        subject_type=about.type, subject_id=about.id, status__in=Operation.ACTIVE
    ).first()


@transaction.atomic
def cancel(operation: Operation, *, actor: Actor) -> None:
    """Ask an operation to stop at its next step boundary; ConflictError once it has ended."""
    if not pipeline_of(operation.name).can_cancel:
        raise ConflictError(
            _("“%(title)s” cannot be cancelled. It ends by itself.") % {"title": operation.title}
        )
    asked = Operation.objects.filter(
        pk=operation.pk, status__in=Operation.ACTIVE, cancel_asked_at=None
    ).update(cancel_asked_at=timezone.now())
    if not asked:
        raise ConflictError(
            _("“%(title)s” has ended or is already being cancelled.") % {"title": operation.title}
        )
    events.record(
        "operation.cancel_asked",
        actor=actor,
        subject=Subject("operation", str(operation.uuid), operation.title),
    )
    work.hasten(KIND, str(operation.uuid))


@transaction.atomic
def retry(operation: Operation, *, actor: Actor) -> Operation:
    """Start a failed or cancelled operation anew with the same parameters."""
    if operation.status not in (Operation.Status.FAILED, Operation.Status.CANCELLED):
        raise ConflictError(
            _("“%(title)s” has not failed, so there is nothing to repeat.")
            % {"title": operation.title}
        )
    fits = pipeline_of(operation.name).fits
    if fits is not None:
        fits(operation)
    return start(
        operation.name,
        subject=subject_of_operation(operation),
        actor=actor,
        params=operation.params,
        retry_of=operation,
    )


def subject_of_operation(operation: Operation) -> Subject:
    """What an operation changes."""
    return Subject(operation.subject_type, operation.subject_id, operation.subject_label)


def _busy(about: Subject) -> BusyError:
    first = active_on(about)
    if first is None:
        return BusyError("Another change has just ended. Try again.", operation_id="")
    return BusyError(
        _("“%(title)s” is under way since %(created_at)s. Wait for its end, or cancel it.")
        % {"title": first.title, "created_at": f"{timezone.localtime(first.created_at):%H:%M %Z}"},
        operation_id=str(first.uuid),
    )


def _summary(operation: Operation) -> dict[str, Any]:
    return {"operation": str(operation.uuid), "name": operation.name, "title": operation.title}
