"""What every process counts of the requests that it answers."""

from prometheus_client import Counter, Histogram

from apps.core.telemetry.queries import Tally
from dotmac.telemetry.numbers import REQUEST_BUCKETS_S

_REQUESTS = Counter("dotmac_requests", "Requests that were answered.", ["kind", "route", "status"])
_SECONDS = Histogram(
    "dotmac_request_seconds",
    "Time from a request to its answer.",
    ["kind", "route"],
    buckets=REQUEST_BUCKETS_S,
)
_QUERIES = Counter("dotmac_request_queries", "Queries of requests.", ["kind"])
_DATABASE = Counter(
    "dotmac_request_database_seconds", "Time that requests waited for the database.", ["kind"]
)


def note_request(kind: str, route: str, status: int, seconds: float, tally: Tally) -> None:
    """Count one request; `kind` is that of its schema, `route` a name of the code."""
    _REQUESTS.labels(kind, route, f"{status // 100}xx").inc()
    _SECONDS.labels(kind, route).observe(seconds)
    _QUERIES.labels(kind).inc(tally.count)
    _DATABASE.labels(kind).inc(tally.seconds)
