"""What can go wrong with operations, and whose fault it is."""

from apps.core.exceptions import ConflictError, DomainError
from apps.work.words import Words


class BusyError(ConflictError):
    """Another operation on the same subject is under way; `operation_id` names it."""

    code = "operation_in_progress"

    def __init__(self, message: str, *, operation_id: str) -> None:
        super().__init__(message)
        self.operation_id = operation_id
        self.extra = {"operation": operation_id}


class StepError(DomainError):
    """A step failed for a cause that a person can act on; `permanent` says not to retry."""

    def __init__(self, message: str, *, permanent: bool = True, detail: str = "") -> None:
        super().__init__(message)
        self.permanent = permanent
        self.detail = detail


class HoldError(Exception):
    """The operation cannot go on now and shall wait, visibly, for a reason outside of it."""

    def __init__(self, reason: Words | str, *, seconds: float) -> None:
        super().__init__(str(reason))
        self.reason = reason
        self.seconds = seconds
