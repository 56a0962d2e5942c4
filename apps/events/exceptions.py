"""What can go wrong with the log."""

from apps.core.exceptions import ConflictError


class VerificationBusyError(ConflictError):
    """The event log is being verified already."""

    code = "verification_busy"
