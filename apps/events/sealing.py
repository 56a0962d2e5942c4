"""Chaining events: one sealer per schema, below the oldest running transaction."""

import hashlib

from django.db import connection, transaction

from apps.events.models import Event
from apps.tenancy.kinds import current_schema

GENESIS = "0" * 64
BATCH = 1000
_HORIZON = "SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint"
_LOCK = "SELECT pg_try_advisory_xact_lock(hashtext('seal'), hashtext(%s))"
_WRITE = """
    UPDATE events_event AS e SET seal_no = v.seal_no, chain = v.chain
    FROM unnest(%s::bigint[], %s::bigint[], %s::text[]) AS v(id, seal_no, chain)
    WHERE e.id = v.id AND e.seal_no IS NULL
"""


def seal(limit: int = BATCH) -> tuple[int, bool]:
    """Chain the next events of the current schema.

    Returns how many were sealed, and whether some still wait for a transaction that runs.
    """
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_LOCK, [current_schema()])
        if not cursor.fetchone()[0]:
            return 0, True
        cursor.execute(_HORIZON)
        horizon = cursor.fetchone()[0]
        last = Event.objects.filter(seal_no__isnull=False).order_by("-seal_no").first()
        number, chain = (last.seal_no or 0, last.chain) if last else (0, GENESIS)
        unsealed = Event.objects.filter(seal_no=None).order_by("id")
        rows = list(unsealed.filter(xid__lt=horizon).values_list("id", "digest")[:limit])
        ids, numbers, chains = [], [], []
        for event_id, digest in rows:
            number, chain = number + 1, link(chain, digest)
            ids.append(event_id)
            numbers.append(number)
            chains.append(chain)
        if ids:
            cursor.execute(_WRITE, [ids, numbers, chains])
        return len(ids), len(ids) == limit or unsealed.exists()


def link(before: str, digest: str) -> str:
    """The chain value after an event."""
    return hashlib.sha256(f"{before}{digest}".encode()).hexdigest()
