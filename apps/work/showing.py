"""A piece of work as its kind shows it to the operator, or as the queue alone knows it."""

from typing import Any

from django.core.exceptions import ObjectDoesNotExist
from django.utils.translation import gettext as _

from apps.tenancy.kinds import schema_of
from apps.work.models import Due
from apps.work.registry import detail_of

_STATES = {
    Due.State.QUEUED: "pending",
    Due.State.WAITING: "waiting",
    Due.State.RUNNING: "running",
    Due.State.DONE: "done",
    Due.State.FAILED: "failed",
    Due.State.CANCELLED: "cancelled",
}


def context_of(due: Due) -> dict[str, Any]:
    """The context of operations/_stepper.html."""
    try:
        with schema_of(due.schema):
            return detail_of(due.kind).context(due.subject)
    except (KeyError, ObjectDoesNotExist):
        # It has no detail, or what it was for is gone.
        return _plain(due)


def steer(due: Due, what: str, user: Any) -> str:
    """Cancel or retry it in its schema; why it could not, empty where it could."""
    try:
        with schema_of(due.schema):
            return detail_of(due.kind).steer(due.subject, what, user)
    except (KeyError, ObjectDoesNotExist):
        return _("This work can neither be cancelled nor repeated.")


def _plain(due: Due) -> dict[str, Any]:
    return {
        "operation": {
            "id": due.pk,
            "title": due.shown_title,
            "status": _STATES[Due.State(due.state)],
            "started_at": due.started_at,
            "finished_at": due.finished_at,
            "progress": due.progress,
            "cause": due.shown_reason,
            "waiting_for": due.shown_reason,
        },
        "steps": [],
    }
