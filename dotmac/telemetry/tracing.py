"""Spans of OpenTelemetry where a collector is named; otherwise nothing is loaded and nothing done.

Texts of errors stay out of spans: they may repeat what nobody may read.
"""

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from importlib import import_module
from typing import Any

_ENDPOINTS = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
INTERNAL, SERVER, CLIENT, PRODUCER, CONSUMER = range(5)
Fact = str | int | float | bool
# The module that loads the library; None where traces are off.
_otel: Any = None


def is_named(environment: Mapping[str, str] = os.environ) -> bool:
    """Whether a collector is named, and traces are not switched off."""
    if environment.get("OTEL_SDK_DISABLED", "").lower() == "true":
        return False
    return any(environment.get(name) for name in _ENDPOINTS)


def set_up(version: str, *, is_on: bool | None = None) -> None:
    """The release that spans tell; `is_on` overrules what the environment says."""
    global _otel  # noqa: PLW0603
    wanted = is_named() if is_on is None else is_on
    _otel = import_module("dotmac.telemetry.otel") if wanted else None
    if _otel is not None:
        _otel.version = version


class Span:
    """What is under way; nothing of it where traces are off."""

    def __init__(self, inner: Any = None) -> None:
        self._inner = inner

    def note(self, **facts: Fact) -> None:
        """Add facts, whose names have `__` for a dot."""
        if self._inner is not None:
            self._inner.set_attributes(_dotted(facts))

    def rename(self, name: str) -> None:
        """Another name, as when the route is found."""
        if self._inner is not None:
            self._inner.update_name(name)

    def fail(self, why: str) -> None:
        """It ended badly; `why` is a name, not a text that may hold anything."""
        if self._inner is not None:
            _otel.fail(self._inner, why)


_OFF: AbstractContextManager[Span] = nullcontext(Span())


def is_recording() -> bool:
    """Whether there is a span that others could be part of."""
    return _otel is not None and bool(_otel.is_recording())


def span(
    name: str, *, kind: int = INTERNAL, parent: str = "", **facts: Fact
) -> AbstractContextManager[Span]:
    """Around what takes time. `parent` is a traceparent from elsewhere; else the span around."""
    return _OFF if _otel is None else _span(name, kind, parent, facts)


@contextmanager
def _span(name: str, kind: int, parent: str, facts: Mapping[str, Fact]) -> Iterator[Span]:
    with _otel.begun(name, kind, parent, _dotted(facts)) as inner:
        found = Span(inner)
        try:
            yield found
        except BaseException as error:
            found.fail(type(error).__name__)
            raise


def traceparent() -> str:
    """The present span as a text that a later process can continue; empty without one."""
    return "" if _otel is None else _otel.traceparent()


def trace_id() -> str:
    """The trace that is under way, as log lines name it; empty without one."""
    return "" if _otel is None else _otel.trace_id()


def carried(call: Callable[..., Any]) -> Callable[..., Any]:
    """The same, called in another thread as part of the present span."""
    return call if _otel is None else _otel.carried(call)


def finish() -> None:
    """Send what is left, for a little while; a process that leaves by itself does so anyway."""
    if _otel is not None:
        _otel.finish()


def _dotted(facts: Mapping[str, Fact]) -> dict[str, Fact]:
    return {name.replace("__", "."): value for name, value in facts.items()}
