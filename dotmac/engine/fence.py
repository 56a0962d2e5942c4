"""A condition under which an engine may be asked at all, checked before each single request.

A worker that stands still in the middle of an act goes on behind any check at its beginning.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_checks: ContextVar[Callable[[], None] | None] = ContextVar("engine_fence", default=None)


@contextmanager
def fenced(check: Callable[[], None] | None) -> Iterator[None]:
    """In this block and thread, requests go out only while `check` raises nothing; None: always."""
    token = _checks.set(check)
    try:
        yield
    finally:
        _checks.reset(token)


def check() -> None:
    """Raise what the block's check raises."""
    condition = _checks.get()
    if condition is not None:
        condition()


def is_down() -> bool:
    """Whether the block's check raises by now."""
    try:
        check()
    except Exception:
        return True
    return False
