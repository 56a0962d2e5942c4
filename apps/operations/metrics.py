"""What is told of operations: how long those of each pipeline took, by how they ended."""

from prometheus_client import Histogram

from apps.operations.models import Operation
from apps.operations.pipelines import is_known
from dotmac.telemetry.numbers import WORK_BUCKETS_S

_SECONDS = Histogram(
    "dotmac_operation_seconds",
    "Time from asking for an operation to its end, by pipeline and end.",
    ["pipeline", "status"],
    buckets=WORK_BUCKETS_S,
)


def note_end(operation: Operation) -> None:
    """Count an operation that has ended just now; deployments are `instances.deploy`."""
    if operation.finished_at is None:
        return
    name = operation.name if is_known(operation.name) else "other"
    seconds = (operation.finished_at - operation.created_at).total_seconds()
    _SECONDS.labels(name, str(operation.status)).observe(seconds)
