"""What can be wrong with a backup; each message says what to do."""


class BackupError(Exception):
    """A backup or a restore did not work. `permanent`: trying again does not help by itself."""

    def __init__(self, message: str, *, permanent: bool = False) -> None:
        super().__init__(message)
        self.permanent = permanent


class TargetAwayError(BackupError):
    """The place off site does not answer."""


class TargetRefusedError(BackupError):
    """The place answers, and refuses: credentials, or a bucket that is not there."""


class TargetFullError(BackupError):
    """The place takes no more."""


class MissingError(BackupError):
    """Something is not in the repository."""


class DamagedError(BackupError):
    """Something in the repository is not what was written there; the message names it."""


class WrongKeyError(BackupError):
    """The repository, or the kit, does not open with this key."""


class TakenOverError(BackupError):
    """Another machine was rebuilt from this repository and writes there now."""
