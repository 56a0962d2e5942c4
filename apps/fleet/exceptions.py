"""Why an instance finds no place, and whether waiting helps."""

from apps.core.exceptions import DomainError, QuotaError
from apps.work.words import Words, said


class CapacityError(QuotaError):
    """No server has the room; waiting does not change that."""

    code = "no_capacity"
    permanent = True


class ServerUnavailableError(DomainError):
    """The servers that could take it do not answer now."""

    code = "server_unavailable"
    status = 503

    def __init__(self, reason: Words | str, *, permanent: bool = False) -> None:
        super().__init__(said(reason))
        self.reason = reason
        self.permanent = permanent
