"""The library of `tracing`, loaded only where traces are on.

Each process makes its own provider when it first needs one, since threads and connections of one
do not survive a fork. Spans are queued and sent beside the work: a collector that is away costs
spans, never a request.
"""

import os
import threading
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from multiprocessing.util import Finalize
from typing import Any

from opentelemetry import context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import (
    Span,
    SpanKind,
    Status,
    StatusCode,
    Tracer,
    format_trace_id,
    get_current_span,
)
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from dotmac.telemetry import process

# A process that ends gives the last spans so long to leave.
_LAST_S = 2.0
version = ""
_propagator = TraceContextTextMapPropagator()
_lock = threading.Lock()


@dataclass(frozen=True)
class _Provided:
    """What one process sends its spans by."""

    pid: int
    tracer: Tracer
    end: Callable[[], None]


_provided: _Provided | None = None


def begun(
    name: str, kind: int, parent: str, facts: Mapping[str, Any]
) -> AbstractContextManager[Span]:
    """A span that is the current one within."""
    return _tracer().start_as_current_span(
        name,
        context=_propagator.extract({"traceparent": parent}) if parent else None,
        kind=SpanKind(kind),
        attributes=facts,
        record_exception=False,
        set_status_on_exception=False,
    )


def fail(span: Span, why: str) -> None:
    """Mark a span as one that ended badly."""
    span.set_status(Status(StatusCode.ERROR, why))


def is_recording() -> bool:
    """Whether the present span is kept."""
    return get_current_span().is_recording()


def traceparent() -> str:
    """The present span in W3C's form."""
    carrier: dict[str, str] = {}
    _propagator.inject(carrier)
    return carrier.get("traceparent", "")


def trace_id() -> str:
    """32 hexadecimal digits; empty without a span."""
    found = get_current_span().get_span_context()
    return format_trace_id(found.trace_id) if found.is_valid else ""


def carried(call: Callable[..., Any]) -> Callable[..., Any]:
    """A call that takes the present span along."""
    here = context.get_current()

    def inside(*args: Any, **options: Any) -> Any:
        token = context.attach(here)
        try:
            return call(*args, **options)
        finally:
            context.detach(token)

    return inside


def finish() -> None:
    """Send what is left; a span that comes later has another provider."""
    global _provided
    found, _provided = _provided, None
    if found is not None and found.pid == os.getpid():
        found.end()


def _tracer() -> Tracer:
    global _provided  # noqa: PLW0603
    found = _provided
    if found is not None and found.pid == os.getpid():
        return found.tracer
    with _lock:
        if _provided is None or _provided.pid != os.getpid():
            _provided = _provide()
        return _provided.tracer


def _provide() -> _Provided:
    told = {
        "service.name": os.environ.get("OTEL_SERVICE_NAME") or f"dotmac-{process.role()}",
        "service.version": version,
        "service.instance.id": process.identity(),
    }
    provider = TracerProvider(resource=Resource.create(told), shutdown_on_exit=False)
    exporter = OTLPSpanExporter()
    provider.add_span_processor(BatchSpanProcessor(exporter))

    def end() -> None:
        # Not its own shutdown, which waits for half a minute where nobody answers.
        last = threading.Thread(target=provider.force_flush, daemon=True)
        last.start()
        last.join(_LAST_S)
        exporter.shutdown()  # type: ignore[no-untyped-call]

    # Also where a process of multiprocessing ends, which knows no atexit.
    once = Finalize(None, end, exitpriority=10)
    return _Provided(os.getpid(), provider.get_tracer("dotmac", version), once)
