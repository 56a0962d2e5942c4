"""What a piece of work tells while it runs: numbers, a span, and what its log lines name."""

from collections.abc import Iterator
from contextlib import contextmanager
from time import perf_counter

from structlog.contextvars import bound_contextvars

from apps.work.exceptions import LeaseLostError
from apps.work.leases import Lease
from apps.work.metrics import note_run
from dotmac.telemetry import tracing
from dotmac.telemetry.processes import count_garbage


@contextmanager
def observed(lease: Lease) -> Iterator[None]:
    """Around the run of one piece of work; whatever it raises goes on."""
    began, outcome = perf_counter(), "crashed"
    span = tracing.span(
        f"work {lease.kind}",
        kind=tracing.CONSUMER,
        parent=lease.traceparent,
        dotmac__work=str(lease.due_id),
        dotmac__schema=lease.schema,
        dotmac__epoch=lease.epoch,
    )
    names = bound_contextvars(work=str(lease.due_id), kind=lease.kind, schema=lease.schema)
    try:
        with names, span:
            yield
        outcome = "ran"
    except LeaseLostError:
        outcome = "lost"
        raise
    finally:
        note_run(lease.kind, outcome, perf_counter() - began)
        count_garbage()
