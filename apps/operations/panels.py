"""How the operator sees an operation of any schema."""

from typing import Any

from apps.core.exceptions import ConflictError
from apps.events.actors import user_actor
from apps.operations import services
from apps.operations.models import Operation
from apps.operations.pages import operation_context
from apps.operations.services import KIND
from apps.work.registry import Detail, shows


def _context(subject: str) -> dict[str, Any]:
    context = operation_context(Operation.objects.get(uuid=subject))
    # What comes next lies on another host, where the operator has no account.
    return {**context, "ws_path": "", "next_url": "", "crumbs": []}


def _steer(subject: str, what: str, user: Any) -> str:
    operation = Operation.objects.get(uuid=subject)
    act = services.cancel if what == "cancel" else services.retry
    try:
        act(operation, actor=user_actor(user))
    except ConflictError as error:
        return error.message
    return ""


shows(KIND, Detail(_context, _steer))
