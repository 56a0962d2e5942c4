"""Why a certificate is not obtained."""

from apps.core.exceptions import ConflictError, DomainError


class NotSetUpError(DomainError):
    """No authority is set up that certificates could come from."""

    code = "not_set_up"
    status = 409


class BusyError(ConflictError):
    """The certificate is being ordered just now."""

    code = "certificate_busy"


class OrderFailedError(Exception):
    """The authority gave an order up; the next try begins another one."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message
