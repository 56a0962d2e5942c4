"""What can go wrong with the log."""

from apps.core.exceptions import ConflictError


class VerificationBusyError(ConflictError):
    """The event log is being verified already."""

    code = "verification_busy"


class NotAcceptedError(ConflictError):
    """More is wrong with a log than that it ends too early, so its end is not accepted."""

    code = "log_not_accepted"


class NothingToAcceptError(ConflictError):
    """A log is not shorter than its mark says."""

    code = "log_is_whole"
