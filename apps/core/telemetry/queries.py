"""What is asked of the database: counted for a request, and a span of what it belongs to."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from time import perf_counter
from typing import Any

from django.db.backends.signals import connection_created

from dotmac.telemetry import tracing

_LONGEST = 2000


@dataclass
class Tally:
    """How many queries there were, and their seconds."""

    count: int = 0
    seconds: float = 0.0


_tally: ContextVar[Tally | None] = ContextVar("query_tally", default=None)


@contextmanager
def counted() -> Iterator[Tally]:
    """Within, this thread's queries are counted."""
    tally = Tally()
    token = _tally.set(tally)
    try:
        yield tally
    finally:
        _tally.reset(token)


def watch() -> None:
    """Look at each query of every connection that is opened from now on."""
    connection_created.connect(_attach, dispatch_uid="telemetry.queries")


def _attach(connection: Any, **_options: Any) -> None:
    # In the first place: whoever puts a wrapper on for a while takes the last one off.
    if _observe not in connection.execute_wrappers:
        connection.execute_wrappers.insert(0, _observe)


def _observe(
    execute: Callable[..., Any], sql: Any, params: Any, many: bool, context: dict[str, Any]
) -> Any:
    tally = _tally.get()
    if tally is None and not tracing.is_recording():
        return execute(sql, params, many, context)
    began = perf_counter()
    try:
        if not tracing.is_recording():
            return execute(sql, params, many, context)
        with tracing.span(_verb(sql), kind=tracing.CLIENT, **_facts(sql, params)):
            return execute(sql, params, many, context)
    finally:
        if tally is not None:
            tally.count += 1
            tally.seconds += perf_counter() - began


def _verb(sql: Any) -> str:
    """The first word of a statement."""
    return sql.split(None, 1)[0].upper()[:20] if isinstance(sql, str) and sql.strip() else "SQL"


def _facts(sql: Any, params: Any) -> dict[str, str]:
    """Its text only where its values are apart from it: they are nobody's business."""
    text = {"db__query__text": sql[:_LONGEST]} if isinstance(sql, str) and params else {}
    return {"db__system__name": "postgresql", "db__operation__name": _verb(sql), **text}
