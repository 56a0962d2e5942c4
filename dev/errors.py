"""What ends a command with one clear line instead of a stack trace."""


class SetupError(Exception):
    """The message says what happened, why, and what to do."""
