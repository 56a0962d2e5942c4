"""Running an operation: from the first step not done to its end, or backwards."""

import time

import structlog
from django.utils import timezone

from apps.core.exceptions import DomainError
from apps.events import services as events
from apps.events.actors import SYSTEM, Subject
from apps.operations.exceptions import HoldError
from apps.operations.models import Operation, Step
from apps.operations.pipelines import Pipeline, Run, pipeline_of
from apps.operations.pipelines import Step as StepRunner
from apps.operations.progress import announce
from apps.operations.services import KIND
from apps.work import services as work
from apps.work.exceptions import LeaseLostError
from apps.work.leases import Lease
from apps.work.registry import runs

log = structlog.get_logger(__name__)
# Seconds before the next attempt of a step that failed for a passing cause.
BACKOFF_S = (1, 2, 5, 15, 30)


class _StopError(Exception):
    """This worker has nothing more to do: the operation waits or has ended."""


@runs(KIND)
def run_operation(lease: Lease) -> None:
    """Carry an operation as far as it goes now; a repeat continues where it was."""
    operation = Operation.objects.get(uuid=lease.subject)
    run = Run(operation, lease)
    pipeline = pipeline_of(operation.name)
    try:
        _begin(run)
        if not operation.is_undoing:
            _forward(run, pipeline)
        _backward(run, pipeline)
    except _StopError:
        return


def _begin(run: Run) -> None:
    now = timezone.now()
    status = Operation.Status.UNDOING if run.operation.is_undoing else Operation.Status.RUNNING
    with run.atomic():
        _update(run, status=status, waits_for="", started_at=run.operation.started_at or now)


def _forward(run: Run, pipeline: Pipeline) -> None:
    steps = list(run.operation.steps.order_by("position"))
    for row, kind in zip(steps, pipeline.steps, strict=True):
        if row.status in (Step.Status.DONE, Step.Status.SKIPPED):
            continue
        if _cancel_asked(run):
            _turn_back(run, "")
            return
        if not _one_step(run, row, kind()):
            return
        _show_progress(run, (row.position + 1) / len(steps))
    _end(run, pipeline, Operation.Status.SUCCEEDED)


def _one_step(run: Run, row: Step, step: StepRunner) -> bool:
    """Whether the step is done; False when the operation turns back."""
    _enter(run, row, step)
    try:
        if not (row.attempt > 1 and step.check(run)):
            step.run(run)
        run.assert_held()
    except LeaseLostError:
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
    run.position, run.started, run.deadline_s = row.position, time.monotonic(), step.deadline_s
    with run.atomic():
        _update_step(
            row,
            status=Step.Status.RUNNING,
            attempt=row.attempt + 1,
            started_at=row.started_at or timezone.now(),
            finished_at=None,
        )
    announce(run.operation)


def _hold(run: Run, row: Step, hold: HoldError) -> None:
    """Wait for something outside, which costs no attempt."""
    with run.atomic():
        _update_step(row, status=Step.Status.PENDING, attempt=row.attempt - 1)
        _update(run, status=Operation.Status.WAITING, waits_for=hold.reason[:300])
        work.postpone(run.lease, seconds=hold.seconds, reason=hold.reason)
    announce(run.operation)
    raise _StopError


def _failed(run: Run, row: Step, step: StepRunner, error: Exception) -> bool:
    cause = _explain(run, error)
    run.log(cause, level="error")
    if not getattr(error, "permanent", True) and row.attempt < step.attempts:
        wait_s = BACKOFF_S[min(row.attempt, len(BACKOFF_S)) - 1]
        reason = f"{cause} Next attempt in {wait_s} s."
        with run.atomic():
            _update_step(row, status=Step.Status.PENDING, error=cause)
            _update(run, status=Operation.Status.WAITING, waits_for=reason[:300])
            work.postpone(run.lease, seconds=wait_s, reason=reason)
        announce(run.operation)
        raise _StopError
    with run.atomic():
        _update_step(row, status=Step.Status.FAILED, error=cause, finished_at=timezone.now())
    _turn_back(run, cause)
    return False


def _explain(run: Run, error: Exception) -> str:
    """What a person is told: an error meant for people as it is, ours only by its number."""
    for text in (getattr(error, "detail", ""), getattr(error, "output", "")):
        if text:
            run.log(str(text)[-4000:], level="output")
    if isinstance(error, DomainError) or hasattr(error, "permanent"):
        return str(error)
    log.exception("step_crashed", operation=str(run.operation.uuid), position=run.position)
    return (
        "DotMac failed at this step, which is our fault. The operator finds the details in the"
        f" log under {run.operation.uuid}."
    )


def _turn_back(run: Run, cause: str) -> None:
    with run.atomic():
        _update(run, status=Operation.Status.UNDOING, is_undoing=True, cause=cause)
    announce(run.operation)


def _backward(run: Run, pipeline: Pipeline) -> None:
    """Take back what was done, last first, then end as failed or cancelled."""
    steps = list(run.operation.steps.order_by("-position"))
    touched = (Step.Status.RUNNING, Step.Status.DONE, Step.Status.FAILED, Step.Status.PENDING)
    for row in steps:
        if row.status not in touched or row.started_at is None:
            continue
        _undo_one(run, row, pipeline.steps[row.position]())
    failed = bool(run.operation.cause)
    _end(run, pipeline, Operation.Status.FAILED if failed else Operation.Status.CANCELLED)


def _undo_one(run: Run, row: Step, step: StepRunner) -> None:
    run.position, run.started, run.deadline_s = row.position, time.monotonic(), step.deadline_s
    was_failed = row.status == Step.Status.FAILED
    try:
        step.undo(run)
        run.assert_held()
    except LeaseLostError:
        raise
    except HoldError as hold:
        _postpone_undo(run, hold.reason, hold.seconds)
    except Exception as error:
        cause = _explain(run, error)
        if not getattr(error, "permanent", True):
            _postpone_undo(run, cause, BACKOFF_S[-1])
        # What cannot be taken back is named, and the rest is still taken back.
        run.log(f"Not undone: {cause}", level="error")
    with run.atomic():
        if not was_failed:
            _update_step(row, status=Step.Status.UNDONE, finished_at=timezone.now())
    announce(run.operation)


def _postpone_undo(run: Run, reason: str, seconds: float) -> None:
    with run.atomic():
        _update(run, status=Operation.Status.WAITING, waits_for=reason[:300])
        work.postpone(run.lease, seconds=seconds, reason=reason)
    announce(run.operation)
    raise _StopError


def _end(run: Run, pipeline: Pipeline, status: str) -> None:
    operation = run.operation
    about = Subject(operation.subject_type, operation.subject_id, operation.title)
    with run.atomic():
        if pipeline.settle:
            pipeline.settle(run, status)
        _update(run, status=status, finished_at=timezone.now(), waits_for="")
        facts = {"operation": str(operation.uuid), "name": operation.name, "cause": operation.cause}
        events.record(f"operation.{status}", actor=SYSTEM, subject=about, data=facts)
        due_state = {"succeeded": "done"}.get(status, status)
        work.finish(run.lease, due_state, reason=operation.cause)
    announce(operation)
    raise _StopError


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


def _show_progress(run: Run, share: float) -> None:
    work.show_progress(run.lease, int(share * 100))
