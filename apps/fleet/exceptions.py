"""Why an instance finds no place, and whether waiting helps."""

from apps.core.exceptions import DomainError, QuotaError


class CapacityError(QuotaError):
    """No server has the room; waiting does not change that."""

    code = "no_capacity"
    permanent = True


class ServerUnavailableError(DomainError):
    """The servers that could take it do not answer now."""

    code = "server_unavailable"
    status = 503

    def __init__(self, message: str, *, permanent: bool = False) -> None:
        super().__init__(message)
        self.permanent = permanent
