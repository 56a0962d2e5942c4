"""Where in the log a row belongs, found by its hashes; asked only of rows that do not fit."""

from typing import Any

from django.db import connection

from apps.events.digests import UNSTAMPED, bound, link
from apps.events.sealing import GENESIS
from apps.events.stored import Row

_LEADER = """
    SELECT seal_no, id FROM events_event
    WHERE seal_no IS NOT NULL
        AND encode(sha256(convert_to(chain || %s, 'UTF8')), 'hex') = %s
    LIMIT 1
"""
_BETWEEN = """
    SELECT id FROM events_event
    WHERE seal_no > %s AND seal_no < (SELECT seal_no FROM events_event WHERE chain = %s LIMIT 1)
    ORDER BY seal_no LIMIT 20
"""
_FOLLOWER = f"""
    SELECT id FROM events_event
    WHERE seal_no IS NOT NULL AND id <> %s
        AND encode(sha256(convert_to(%s || scheme || ':' || CASE scheme
            WHEN {UNSTAMPED} THEN digest ELSE id || ':' || digest END, 'UTF8')), 'hex') = chain
    LIMIT 1
"""  # nosec B608 - a number of ours
_ID = """
    SELECT id FROM events_event
    WHERE encode(sha256(convert_to(%s || %s || ':' || id || ':' || %s, 'UTF8')), 'hex') = %s
    LIMIT 1
"""


def leader_of(row: Row) -> tuple[int, int, list[int]] | None:
    """Number and id of the event that a row was sealed behind, and the ids now between them."""
    if link(GENESIS, row.scheme, row.id, row.digest) == row.chain:
        return 0, 0, _ids(_BETWEEN, [0, row.chain])
    with connection.cursor() as cursor:
        cursor.execute(_LEADER, [bound(row.scheme, row.id, row.digest), row.chain])
        found = cursor.fetchone()
    if found is None:
        return None
    number, event_id = found
    return number, event_id, _ids(_BETWEEN, [number, row.chain])


def id_of(row: Row, before: str) -> int | None:
    """The id with which a row was sealed behind this point of the chain, if another one has it."""
    return next(iter(_ids(_ID, [before, str(row.scheme), row.digest, row.chain])), None)


def follower_of(chain: str, but_id: int) -> int | None:
    """The id of another event that was sealed behind this point of the chain."""
    return next(iter(_ids(_FOLLOWER, [but_id, chain])), None)


def _ids(sql: str, values: list[Any]) -> list[int]:
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        return [row[0] for row in cursor.fetchall()]
