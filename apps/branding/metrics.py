"""What is told of mails: how many servers took, and how many wait."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection
from prometheus_client import Counter

from apps.core.telemetry.readings import Measure, Sample, reads

_MAILS = Counter(
    "dotmac_mails", "Mails that were handed to a server, by whose it is.", ["server", "outcome"]
)
_WAITING = Measure("dotmac_mails_waiting", "Mails and messages that wait for a worker.")
_FAILED = Measure("dotmac_mails_failed_hour", "Mails and messages given up within the last hour.")
_KINDS = ["mail", "notification"]
_WAITING_SQL = """
    SELECT count(*) FROM "public"."work_due"
    WHERE state IN ('queued', 'waiting') AND kind = ANY(%s)
"""
_FAILED_SQL = """
    SELECT count(*) FROM "public"."work_due"
    WHERE finished_at > now() - interval '1 hour' AND state = 'failed' AND kind = ANY(%s)
"""


@contextmanager
def counted(*, is_own: bool) -> Iterator[None]:
    """Count whether the server takes the mail that is sent within."""
    server, outcome = "own" if is_own else "installation", "refused"
    try:
        yield
        outcome = "taken"
    finally:
        _MAILS.labels(server, outcome).inc()


@reads("mails", _WAITING, _FAILED)
def _mails() -> Iterator[Sample]:
    with connection.cursor() as cursor:
        for measure, query in ((_WAITING, _WAITING_SQL), (_FAILED, _FAILED_SQL)):
            cursor.execute(query, [_KINDS])
            yield measure, cursor.fetchone()[0], ()
