"""The request that is being answered, for lines that are logged meanwhile."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from django.http import HttpRequest
from django.utils.functional import LazyObject, empty

_request: ContextVar[HttpRequest | None] = ContextVar("request_in_hand", default=None)


@contextmanager
def serving(request: HttpRequest) -> Iterator[None]:
    """Within, this request is in hand."""
    token = _request.set(request)
    try:
        yield
    finally:
        _request.reset(token)


def who() -> str:
    """Whose request it is: the number of a person, or a program; empty while nobody looked."""
    request = _request.get()
    return "" if request is None else asker_of(request)


def asker_of(request: HttpRequest) -> str:
    """The same of one request; who asks is not looked up for it."""
    user = request.__dict__.get("user")
    if user is None or (isinstance(user, LazyObject) and user.__dict__.get("_wrapped") is empty):
        return ""
    if not getattr(user, "is_authenticated", False):
        return ""
    name = getattr(user, "log_name", "")
    return str(name or user.pk)
