"""Docker's refusals as EngineErrors: its status codes say little, its texts say the rest."""

from collections.abc import Iterator
from contextlib import contextmanager

import requests
from docker.errors import APIError, DockerException
from urllib3.exceptions import HTTPError

from dotmac.engine.errors import EngineError, ErrorCode

# (what the engine's text contains, code, permanent, what to do); the first match counts.
_TEXTS = (
    ("no space left on device", ErrorCode.NO_SPACE, True, "Free disk space on the host."),
    ("no such image", ErrorCode.MISSING_IMAGE, True, "Bring the image to the host first."),
    ("manifest unknown", ErrorCode.MISSING_IMAGE, True, "Check the image's name and tag."),
    ("pull access denied", ErrorCode.MISSING_IMAGE, True, "Check the image's name and its log-in."),
    (
        '/v2/"',
        ErrorCode.MISSING_IMAGE,
        False,
        "Its registry does not answer: bring the image to the host, or let the host reach it.",
    ),
    (
        "available, non-overlapping ipv4 address pool",
        ErrorCode.ADDRESSES_EXHAUSTED,
        True,
        "Remove unused networks, or widen default-address-pools in the engine's settings.",
    ),
    ("no available ipv4 addresses", ErrorCode.ADDRESSES_EXHAUSTED, True, "Widen the subnet."),
    ("pool overlaps", ErrorCode.CONFLICT, True, "Choose another subnet."),
    ("cannot allocate memory", ErrorCode.OUT_OF_MEMORY, False, "Free memory on the host."),
    ("active endpoints", ErrorCode.CONFLICT, False, "Remove its containers first."),
    ("address already in use", ErrorCode.CONFLICT, False, "Another container has it."),
    ("unable to find user", ErrorCode.INVALID, True, "Name a user by numbers, as 10001:10001."),
    ("client version", ErrorCode.UNSUPPORTED, False, "The engine was replaced: ask again."),
)
_STATUSES = {
    400: (ErrorCode.INVALID, True),
    403: (ErrorCode.CONFLICT, False),
    404: (ErrorCode.NOT_FOUND, True),
    409: (ErrorCode.CONFLICT, False),
}


@contextmanager
def engine_errors(what: str, where: str) -> Iterator[None]:
    """Turn what the SDK raises while it does `what` on the engine at `where` into EngineError."""
    try:
        yield
    except APIError as error:
        raise from_text(what, error.explanation or str(error), error.status_code) from error
    except requests.Timeout as error:
        raise unreachable(what, where, "it did not answer in time") from error
    except (requests.RequestException, HTTPError, DockerException, OSError) as error:
        raise unreachable(what, where, _root_cause(error)) from error


def from_text(what: str, text: str, status: int | None = None) -> EngineError:
    """The error for what the engine answered."""
    lower = text.lower()
    for part, code, permanent, remedy in _TEXTS:
        if part in lower:
            return EngineError(f"Cannot {what}: {text}. {remedy}", permanent=permanent, code=code)
    code, permanent = _STATUSES.get(status or 0, (ErrorCode.FAILED, False))
    return EngineError(f"Cannot {what}: {text}.", permanent=permanent, code=code)


def unreachable(what: str, where: str, why: str) -> EngineError:
    """The error of an engine that does not answer."""
    return EngineError(
        f"Cannot {what}: the Docker engine at {where} does not answer ({why}). "
        "Check that it runs and can be reached from here.",
        permanent=False,
        code=ErrorCode.UNREACHABLE,
    )


def _root_cause(error: BaseException) -> str:
    """The system's reason, which the layers of an HTTP client bury; else the SDK's own words."""
    reason = str(error) if isinstance(error, DockerException) else "the connection broke off"
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, OSError) and cause.strerror:
            reason = cause.strerror.lower()
        cause = cause.__cause__ or cause.__context__
    return reason
