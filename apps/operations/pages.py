"""An operation as its page shows it (templates/operations/_stepper.html)."""

from collections import defaultdict
from typing import Any

from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from apps.operations.access import may_steer
from apps.operations.models import LogLine, Operation, Step
from apps.operations.pipelines import Pipeline, pipeline_of, title_of

# More lines of one step than a person reads; the newest are shown.
_LINES = 200
_WORDS = {
    Operation.Status.QUEUED: "pending",
    Operation.Status.SUCCEEDED: "done",
}


def operation_context(operation: Operation) -> dict[str, Any]:
    """Everything the stepper needs, in three queries."""
    steps = list(operation.steps.all())
    logs = _logs(operation)
    ended = operation.status in Operation.ENDED
    pipeline = _pipeline(operation)
    after = pipeline.after(operation) if pipeline.after else {}
    return {
        "operation": {
            "id": str(operation.uuid),
            "title": title_of(operation),
            "status": _status(operation),
            "started_at": operation.started_at,
            "finished_at": operation.finished_at,
            "duration_s": _seconds(operation.started_at or operation.created_at, operation),
            "cause": _said(operation.cause),
            "waiting_for": _said(operation.waits_for),
            "progress": _progress(steps),
            "can_cancel": not ended
            and operation.cancel_asked_at is None
            and not operation.is_undoing
            and pipeline.can_cancel,
            "can_retry": operation.status in (Operation.Status.FAILED, Operation.Status.CANCELLED)
            and bool(pipeline.steps),
        },
        "steps": [_step(step, operation, logs[step.position]) for step in steps],
        "ws_path": f"/ws/operations/{operation.uuid}/",
        "poll_url": reverse("operation_steps", args=[operation.uuid]),
        "cancel_url": reverse("operation_cancel", args=[operation.uuid]),
        "retry_url": reverse("operation_retry", args=[operation.uuid]),
        "facts": _facts(operation),
        **after,
    }


def page_for(user: object, operation: Operation) -> dict[str, Any]:
    """The same for a person, with the buttons that they may press."""
    context = operation_context(operation)
    if not may_steer(user, operation):
        context |= {"cancel_url": "", "retry_url": ""}
    return context


def _facts(operation: Operation) -> list[dict[str, Any]]:
    """Who wanted it, on what and when."""
    asked = date_format(timezone.localtime(operation.created_at), "DATETIME_FORMAT")
    facts = [
        {"label": _("Subject"), "value": operation.subject_label},
        {"label": _("Started by"), "value": operation.actor_label},
        {"label": _("Asked for"), "value": asked},
    ]
    if operation.retry_of:
        url = reverse("operation", args=[operation.retry_of])
        facts.append({"label": _("Repeats"), "value": _("the attempt before"), "url": url})
    return [fact for fact in facts if fact["value"]]


def _pipeline(operation: Operation) -> Pipeline:
    """How it is declared; without steps where this release no longer knows it."""
    try:
        return pipeline_of(operation.name)
    except KeyError:
        return Pipeline(operation.name, operation.title, (), can_cancel=False)


def _status(operation: Operation) -> str:
    asked = operation.cancel_asked_at is not None
    if asked and operation.is_active and not operation.is_undoing:
        return "cancelling"
    return _WORDS.get(Operation.Status(operation.status), operation.status)


def _said(kept: str) -> str:
    """What a worker said, in the reader's language where it has no values; it speaks English."""
    return _(kept) if kept else ""


def _progress(steps: list[Step]) -> int:
    """Percent of all steps, of the one that runs as far as it tells."""
    return sum(map(_percent, steps)) // len(steps) if steps else 0


def _percent(step: Step) -> int:
    if step.status in (Step.Status.DONE, Step.Status.SKIPPED):
        return 100
    return step.percent if step.status == Step.Status.RUNNING else 0


def _step(step: Step, operation: Operation, lines: list[LogLine]) -> dict[str, Any]:
    waits = step.status == Step.Status.PENDING and step.started_at and operation.is_active
    return {
        "title": _(step.title),
        "status": "waiting" if waits else step.status,
        "duration_s": _seconds(step.started_at, step) if step.started_at else None,
        "log": lines,
        "percent": _percent(step) if step.status == Step.Status.RUNNING else 0,
    }


def _seconds(since: Any, row: Operation | Step) -> float:
    return float(((row.finished_at or timezone.now()) - since).total_seconds())


def _logs(operation: Operation) -> dict[int, list[LogLine]]:
    lines: dict[int, list[LogLine]] = defaultdict(list)
    newest = operation.lines.order_by("-id")[: _LINES * 10]
    for line in reversed(newest):
        lines[line.step_position].append(line)
    return defaultdict(list, {k: v[-_LINES:] for k, v in lines.items()})
