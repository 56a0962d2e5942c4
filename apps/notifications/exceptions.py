"""Why a message did not leave."""


class SendError(Exception):
    """A message was not taken; `permanent` says that trying again is in vain."""

    def __init__(self, message: str, *, permanent: bool = False) -> None:
        super().__init__(message)
        self.permanent = permanent


class QuotaError(SendError):
    """The day's quota is used up; nothing is wrong with the message, which waits."""
