"""What can go wrong with subscribers, their services and their import."""

from apps.core.exceptions import ConflictError, DomainError


class TransitionError(ConflictError):
    """The state of a subscriber, service or import does not allow the change."""

    code = "wrong_state"


class TakenError(ConflictError):
    """A number, user name or reference that must be unique belongs to another one."""

    code = "taken"


class FileRefusedError(DomainError):
    """A file that cannot be read as a list of subscribers; the message says what to change."""

    code = "file_refused"


class RowError(DomainError):
    """A value of an imported row that cannot be accepted; `field` is its column."""

    code = "invalid_row"
