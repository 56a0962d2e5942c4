"""Who may see and steer an operation."""

from uuid import UUID

from apps.accounts.access import narrow
from apps.core.exceptions import NotFoundError
from apps.operations.models import Operation


def operation_for(user: object, operation_id: UUID | str) -> Operation:
    """The operation, for those who may follow it; NotFoundError for everybody else."""
    found = narrow(user, Operation.objects.filter(uuid=operation_id)).first()
    if found is not None:
        return found
    raise NotFoundError("There is no such operation.")
