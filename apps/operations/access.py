"""Who may see and steer an operation."""

from uuid import UUID

from apps.accounts.models import User
from apps.core.exceptions import NotFoundError
from apps.operations.models import Operation


def operation_for(user: object, operation_id: UUID | str) -> Operation:
    """The operation, for staff of its schema; NotFoundError for everybody else."""
    if isinstance(user, User) and user.is_active and user.is_staff:
        found = Operation.objects.filter(uuid=operation_id).first()
        if found is not None:
            return found
    raise NotFoundError("There is no such operation.")
