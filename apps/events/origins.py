"""From where the present request comes, for the events that it leads to."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_origin: ContextVar[Callable[[], str] | None] = ContextVar("event_origin", default=None)


@contextmanager
def coming_from(address: Callable[[], str]) -> Iterator[None]:
    """Within, events bear the address, which is asked for only when one is written."""
    token = _origin.set(address)
    try:
        yield
    finally:
        _origin.reset(token)


def current_ip() -> str:
    """The address of who asks; empty for the system itself."""
    address = _origin.get()
    return address() if address else ""
