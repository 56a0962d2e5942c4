"""What ends a command with one clear line instead of a stack trace."""


class SetupError(Exception):
    """The message says what happened, why, and what to do; `code` is what a child ended with."""

    def __init__(self, message: str, *, code: int = 1) -> None:
        super().__init__(message)
        self.code = code


class NoBackupError(SetupError):
    """Nothing says where backups go, and nobody said to go on without."""
