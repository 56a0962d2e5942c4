"""What can go wrong on a host, and whether trying again can help."""

from enum import StrEnum


class ErrorCode(StrEnum):
    """Why an engine could not do what it was asked."""

    UNREACHABLE = "unreachable"
    UNSUPPORTED = "unsupported"
    MISSING_IMAGE = "missing_image"
    NOT_FOUND = "not_found"
    CONFLICT = "conflict"
    INVALID = "invalid"
    NO_SPACE = "no_space"
    OUT_OF_MEMORY = "out_of_memory"
    ADDRESSES_EXHAUSTED = "addresses_exhausted"
    TIMED_OUT = "timed_out"
    FAILED = "failed"


class EngineError(Exception):
    """An engine's refusal; `permanent` says that the same call will fail again.

    `output` holds what a command had printed until then, where one ran.
    """

    def __init__(self, message: str, *, permanent: bool, code: ErrorCode, output: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.permanent = permanent
        self.code = code
        self.output = output
