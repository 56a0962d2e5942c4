"""Who may see and steer an operation."""

from uuid import UUID

from django.core.exceptions import PermissionDenied
from django.utils.translation import gettext as _

from apps.accounts.access import may, narrow
from apps.core.exceptions import NotFoundError
from apps.operations.models import Operation
from apps.operations.pipelines import pipeline_of


def operation_for(user: object, operation_id: UUID | str) -> Operation:
    """The operation, for those who may follow it; NotFoundError for everybody else."""
    found = narrow(user, Operation.objects.filter(uuid=operation_id)).first()
    if found is not None:
        return found
    raise NotFoundError(_("There is no such operation."))


def may_steer(user: object, operation: Operation) -> bool:
    """Whether somebody may cancel or repeat it: who could not have begun it may do neither."""
    try:
        asks = pipeline_of(operation.name).asks
    except KeyError:
        # Another release began it; in this one nobody can steer it.
        return False
    needed = ("operations.steer", *((asks(operation),) if asks else ()))
    return all(may(user, permission, operation) for permission in needed)


def require_steer(user: object, operation: Operation) -> None:
    """PermissionDenied unless they may."""
    if not may_steer(user, operation):
        raise PermissionDenied
