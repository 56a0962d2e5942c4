"""What is told of the event logs: what the sealer has not fetched yet, in all schemas."""

from collections.abc import Iterator

from django.db import connection

from apps.core.telemetry.readings import Measure, Sample, reads
from apps.events.services import SIGNAL

_UNSEALED = Measure(
    "dotmac_events_unsealed", "Events that are not sealed or not read by all yet, up to 100,000."
)
_SCHEMAS = Measure("dotmac_events_unsealed_schemas", "Schemas with events that are not sealed.")
_LAG = Measure(
    "dotmac_events_seal_lag_seconds", "How long the oldest event that is not sealed has waited."
)
# Each event left a note in the table that all schemas share; the sealer takes it away.
_SQL = """
    SELECT count(*), count(DISTINCT schema), extract(epoch FROM now() - min(at))
    FROM (
        SELECT schema, at FROM "public"."work_signal" WHERE kind = %s ORDER BY id LIMIT 100000
    ) AS notes
"""


@reads("events", _UNSEALED, _SCHEMAS, _LAG)
def _events() -> Iterator[Sample]:
    with connection.cursor() as cursor:
        cursor.execute(_SQL, [SIGNAL])
        count, schemas, lag_s = cursor.fetchone()
    yield _UNSEALED, count, ()
    yield _SCHEMAS, schemas, ()
    yield _LAG, max(0.0, float(lag_s or 0)), ()
