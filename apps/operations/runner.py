"""Running an operation: from the first step not done to its end, or backwards."""

from contextlib import AbstractContextManager

import structlog
from django.db import InterfaceError, InternalError, OperationalError
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from structlog.contextvars import bound_contextvars

from apps.accounts.languages import language_of_actor
from apps.core.exceptions import DomainError
from apps.core.languages import speaking
from apps.events import services as events
from apps.events.actors import SYSTEM
from apps.operations.exceptions import HoldError
from apps.operations.metrics import note_end
from apps.operations.models import Operation, Step
from apps.operations.pipelines import Pipeline, Run, pipeline_of
from apps.operations.pipelines import Step as StepRunner
from apps.operations.progress import announce
from apps.operations.services import KIND, subject_of_operation
from apps.work import services as work
from apps.work.exceptions import LeaseLostError
from apps.work.leases import Lease
from apps.work.registry import runs
from apps.work.words import Words, said
from dotmac.telemetry import tracing

log = structlog.get_logger(__name__)
# Seconds before the next attempt of a step that failed for a passing cause.
BACKOFF_S = (1, 2, 5, 15, 30)
# After this many passing causes an undo is given up, about ten minutes later.
UNDO_ATTEMPTS = 20
# No step's fault: another worker has the operation, or our own database is away (or ended the
# session of a worker that stood still, which is an InternalError). It is taken up again.
_NOT_THE_STEP = (LeaseLostError, OperationalError, InterfaceError, InternalError)
_OTHER_RELEASE = gettext_lazy(
    "This operation was begun by another release of DotMac, whose steps were "
    "others. Start it again."
)
_DUE_STATES = {
    Operation.Status.SUCCEEDED: "done",
    Operation.Status.FAILED: "failed",
    Operation.Status.CANCELLED: "cancelled",
}


class _StopError(Exception):
    """This worker has nothing more to do: the operation waits or has ended."""


@runs(KIND)
def run_operation(lease: Lease) -> None:
    """Carry an operation as far as it goes now; a repeat continues where it was."""
    operation = Operation.objects.get(uuid=lease.subject)
    run = Run(operation, lease)
    if not operation.is_active:
        with run.atomic():
            work.finish(lease, _DUE_STATES[Operation.Status(operation.status)])
        return
    # What it says on its way is read by who started it.
    language = language_of_actor(operation.actor_kind, operation.actor_id)
    with speaking(language), bound_contextvars(operation=str(operation.uuid), step=""):
        _carry(run, _pipeline(run))


def _carry(run: Run, pipeline: Pipeline) -> None:
    operation, lease = run.operation, run.lease
    try:
        _begin(run)
        if lease.is_stuck:
            _unstick(run)
        if not operation.is_undoing:
            _forward(run, pipeline)
        _backward(run, pipeline)
    except _StopError:
        return


def _pipeline(run: Run) -> Pipeline:
    try:
        return pipeline_of(run.operation.name)
    except KeyError:
        if not run.lease.is_stuck:
            raise
        # No release knows it any more: it is ended all the same, so that its subject is free.
        return Pipeline(run.operation.name, run.operation.title, ())


def _begin(run: Run) -> None:
    now = timezone.now()
    status = Operation.Status.UNDOING if run.operation.is_undoing else Operation.Status.RUNNING
    with run.atomic():
        _update(run, status=status, waits_for="", started_at=run.operation.started_at or now)


def _unstick(run: Run) -> None:
    """After too many dead workers: turn back, or leave behind the undo that kills them."""
    operation = run.operation
    cause = _(
        "DotMac tried this %(stalls)s times and got no further, which is our "
        "fault. The operator finds the details in the log under %(uuid)s."
    ) % {"stalls": run.lease.stalls, "uuid": operation.uuid}
    log.error("operation_stuck", operation=str(operation.uuid), stalls=run.lease.stalls)
    if not operation.is_undoing:
        for row in operation.steps.filter(status=Step.Status.RUNNING):
            _fail_step(run, row, cause)
        _turn_back(run, cause)
        return
    for row in _to_undo(run)[:1]:
        run.position = row.position
        _leave_undone(run, row, cause)


def _forward(run: Run, pipeline: Pipeline) -> None:
    rows = list(run.operation.steps.order_by("position"))
    if [row.key for row in rows] != [step.key for step in pipeline.steps]:
        _turn_back(run, str(_OTHER_RELEASE))
        return
    run.steps = len(rows)
    for row, kind in zip(rows, pipeline.steps, strict=True):
        if row.status in (Step.Status.DONE, Step.Status.SKIPPED):
            continue
        step = kind()
        # What a lost worker has recorded already stays: its step needs no more than the mark.
        if _cancel_asked(run) and not (row.status == Step.Status.RUNNING and step.check(run)):
            _turn_back(run, "")
            return
        if not _one_step(run, row, step):
            return
        work.note_progress(run.lease, 100 * (row.position + 1) // len(rows))
    _end(run, pipeline, Operation.Status.SUCCEEDED)


def _one_step(run: Run, row: Step, step: StepRunner) -> bool:
    """Whether the step is done; False when the operation turns back."""
    _enter(run, row, step)
    try:
        with _span(run, row, "run"):
            if not (row.attempt > 1 and step.check(run)):
                step.run(run)
            run.assert_held()
    except _NOT_THE_STEP:
        raise
    except HoldError as hold:
        _hold(run, row, hold)
    except Exception as error:
        return _failed(run, row, step, error)
    with run.atomic():
        _update_step(row, status=Step.Status.DONE, finished_at=timezone.now(), error="")
    announce(run.operation)
    return True


def _enter(run: Run, row: Step, step: StepRunner) -> None:
    run.enter(step, row.position)
    with run.atomic():
        _update_step(
            row,
            status=Step.Status.RUNNING,
            percent=0,
            attempt=row.attempt + 1,
            started_at=row.started_at or timezone.now(),
            finished_at=None,
        )
    announce(run.operation)


def _hold(run: Run, row: Step, hold: HoldError) -> None:
    """Wait for something outside, which costs no attempt."""
    with run.atomic():
        _update_step(row, status=Step.Status.PENDING, attempt=row.attempt - 1)
    _wait(run, hold.reason, hold.seconds)


def _wait(run: Run, reason: Words | str, seconds: float) -> None:
    """Give the operation back until later, visibly."""
    with run.atomic():
        _update(run, status=Operation.Status.WAITING, waits_for=said(reason)[:300])
        work.postpone(run.lease, seconds=seconds, reason=reason)
    announce(run.operation)
    raise _StopError


def _failed(run: Run, row: Step, step: StepRunner, error: Exception) -> bool:
    cause = _explain(run, error)
    run.log(cause, level="error")
    if not getattr(error, "permanent", True) and row.attempt < step.attempts:
        wait_s = BACKOFF_S[min(row.attempt, len(BACKOFF_S)) - 1]
        with run.atomic():
            _update_step(row, status=Step.Status.PENDING, error=cause)
        _wait(
            run,
            _("%(cause)s Next attempt in %(wait)s s.") % {"cause": cause, "wait": wait_s},
            wait_s,
        )
    _fail_step(run, row, cause)
    _turn_back(run, cause)
    return False


def _fail_step(run: Run, row: Step, cause: str) -> None:
    with run.atomic():
        _update_step(row, status=Step.Status.FAILED, error=cause, finished_at=timezone.now())


def _explain(run: Run, error: Exception) -> str:
    """What a person is told: an error meant for people as it is, ours only by its number."""
    for text in (getattr(error, "detail", ""), getattr(error, "output", "")):
        if text:
            run.log(str(text)[-4000:], level="output")
    if str(error) and (isinstance(error, DomainError) or hasattr(error, "permanent")):
        return str(error)
    log.exception("step_crashed", operation=str(run.operation.uuid), position=run.position)
    return _(
        "DotMac failed at this step, which is our fault. The operator finds the "
        "details in the log under %(uuid)s."
    ) % {"uuid": run.operation.uuid}


def _turn_back(run: Run, cause: str) -> None:
    with run.atomic():
        _update(run, status=Operation.Status.UNDOING, is_undoing=True, cause=cause)
        work.note_progress(run.lease)
    announce(run.operation)


def _to_undo(run: Run) -> list[Step]:
    """The steps that were begun and whose undo is not over, last first."""
    begun = run.operation.steps.filter(started_at__isnull=False, is_undo_over=False)
    return list(begun.exclude(status=Step.Status.SKIPPED).order_by("-position"))


def _backward(run: Run, pipeline: Pipeline) -> None:
    """Take back what was done, last first, then end as failed or cancelled."""
    steps = {step.key: step for step in pipeline.steps}
    for row in _to_undo(run):
        if row.key in steps:
            _undo_one(run, row, steps[row.key]())
        else:
            run.position = row.position
            _leave_undone(run, row, str(_OTHER_RELEASE))
    failed = bool(run.operation.cause)
    _end(run, pipeline, Operation.Status.FAILED if failed else Operation.Status.CANCELLED)


def _undo_one(run: Run, row: Step, step: StepRunner) -> None:
    run.enter(step, row.position)
    with run.atomic():
        _update_step(row, undo_attempt=row.undo_attempt + 1)
    try:
        with _span(run, row, "undo"):
            step.undo(run)
            run.assert_held()
    except _NOT_THE_STEP:
        raise
    except HoldError as hold:
        with run.atomic():
            _update_step(row, undo_attempt=row.undo_attempt - 1)
        _wait(run, hold.reason, hold.seconds)
    except Exception as error:
        cause = _explain(run, error)
        if not getattr(error, "permanent", True) and row.undo_attempt < UNDO_ATTEMPTS:
            _wait(run, cause, BACKOFF_S[-1])
        _leave_undone(run, row, cause)
        return
    with run.atomic():
        kept = {Step.Status.FAILED: Step.Status.FAILED}
        status = kept.get(Step.Status(row.status), Step.Status.UNDONE)
        _update_step(row, status=status, is_undo_over=True, finished_at=timezone.now())
        work.note_progress(run.lease)
    announce(run.operation)


def _leave_undone(run: Run, row: Step, cause: str) -> None:
    """Name what cannot be taken back; the rest is still taken back."""
    text = _("Not undone: %(cause)s") % {"cause": cause}
    error = f"{row.error}\n{text}".strip()
    with run.atomic():
        run.log(text, level="error")
        now = timezone.now()
        _update_step(
            row, status=Step.Status.FAILED, is_undo_over=True, error=error, finished_at=now
        )
        work.note_progress(run.lease)
    announce(run.operation)


def _end(run: Run, pipeline: Pipeline, status: str) -> None:
    operation = run.operation
    with run.atomic():
        # What only settling can have made it stuck is left unsettled, and said in the log.
        if pipeline.settle and not run.lease.is_stuck:
            pipeline.settle(run, status)
        _update(run, status=status, finished_at=timezone.now(), waits_for="")
        events.record(
            f"operation.{status}",
            actor=SYSTEM,
            subject=subject_of_operation(operation),
            data={
                "operation": str(operation.uuid),
                "name": operation.name,
                "cause": operation.cause,
            },
        )
        work.finish(run.lease, _DUE_STATES[Operation.Status(status)], reason=operation.cause)
    note_end(operation)
    announce(operation)
    raise _StopError


def _span(run: Run, row: Step, what: str) -> AbstractContextManager[tracing.Span]:
    """Around the part of a step that is the pipeline's own."""
    return tracing.span(
        f"{what} {run.operation.name} {row.key}",
        dotmac__operation=str(run.operation.uuid),
        dotmac__attempt=row.attempt,
    )


def _cancel_asked(run: Run) -> bool:
    row = Operation.objects.filter(pk=run.operation.pk)
    return row.filter(cancel_asked_at__isnull=False).exists()


def _update(run: Run, **values: object) -> None:
    """Change the operation; only inside `run.atomic()`, whose epoch fences it."""
    Operation.objects.filter(pk=run.operation.pk).update(**values)
    for name, value in values.items():
        setattr(run.operation, name, value)


def _update_step(row: Step, **values: object) -> None:
    Step.objects.filter(pk=row.pk).update(**values)
    for name, value in values.items():
        setattr(row, name, value)
