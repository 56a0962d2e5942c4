"""What is told of webhooks: what was sent, how late it was, and what waits."""

from collections.abc import Iterator, Sequence

from django.db import connection
from prometheus_client import Counter, Histogram
from psycopg import sql

from apps.core.telemetry.readings import Measure, Sample, reads
from apps.tenancy.kinds import schema_exists
from apps.webhooks.outcomes import Outcome
from apps.webhooks.services import KIND
from dotmac.telemetry.numbers import WORK_BUCKETS_S

_SENT = Counter("dotmac_webhook_attempts", "Webhooks that were sent, by the answer.", ["outcome"])
_DELAY = Histogram(
    "dotmac_webhook_delay_seconds",
    "Time from an event to the answer that took its webhook, by the try.",
    ["tries"],
    buckets=WORK_BUCKETS_S,
)
# Deliveries lie in the schemas of those they belong to; their endpoints' work lies in one table.
_SCHEMAS_AT_ONCE = 50
_PENDING = Measure(
    "dotmac_webhook_pending",
    "Deliveries that wait, in the fifty schemas whose endpoints have waited longest.",
)
_ENDPOINTS = Measure("dotmac_webhook_endpoints_waiting", "Endpoints with something to send.")
_OLDEST = Measure(
    "dotmac_webhook_oldest_due_seconds", "How long the endpoint that waits longest has been due."
)
_WAITING_SQL = """
    SELECT schema, count(*), extract(epoch FROM now() - min(due_at)) FROM "public"."work_due"
    WHERE kind = %s AND state IN ('queued', 'waiting') GROUP BY schema ORDER BY min(due_at)
"""


def note_sent(outcomes: Sequence[Outcome]) -> None:
    """Count what was sent in one turn, and how late what was taken at once was."""
    for one in outcomes:
        _SENT.labels("taken" if one.answer.is_ok else "refused").inc()
        if one.answer.is_ok:
            tries = "first" if one.delivery.attempts == 0 else "later"
            delay_s = (one.at - one.delivery.created_at).total_seconds()
            _DELAY.labels(tries).observe(max(0.0, delay_s))


@reads("webhooks", _PENDING, _ENDPOINTS, _OLDEST)
def _waiting() -> Iterator[Sample]:
    with connection.cursor() as cursor:
        cursor.execute(_WAITING_SQL, [KIND])
        rows = cursor.fetchall()
        schemas = [schema for schema, _count, _age in rows[:_SCHEMAS_AT_ONCE]]
        there = [schema for schema in schemas if schema_exists(schema)]
        pending = 0
        if there:
            cursor.execute(sql.SQL(" UNION ALL ").join(map(_count_of, there)))
            pending = sum(count for (count,) in cursor.fetchall())
    yield _PENDING, pending, ()
    yield _ENDPOINTS, sum(count for _schema, count, _age in rows), ()
    yield _OLDEST, max([0.0, *(float(age) for _schema, _count, age in rows)]), ()


def _count_of(schema: str) -> sql.Composed:
    return sql.SQL("SELECT count(*) FROM {}.webhooks_delivery WHERE state = 'pending'").format(
        sql.Identifier(schema)
    )
