"""Chaining events: one sealer per schema, below the oldest running transaction."""

from typing import Any

import structlog
from django.db import connection, transaction

from apps.events.digests import link
from apps.events.marks import is_genuine, mark, move_mark
from apps.events.models import Checkpoint, Event
from apps.events.signing import is_signature, signature
from apps.tenancy.kinds import current_schema

log = structlog.get_logger(__name__)
GENESIS = "0" * 64
BATCH = 1000
# Of so many events one checkpoint is kept, and the newest beside.
KEPT_EVERY = 1000
_PURPOSE = "checkpoint"
_HORIZON = "SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint"
_LOCK = "SELECT pg_try_advisory_xact_lock(hashtext('seal'), hashtext(%s))"
_WAIT = "SELECT pg_advisory_xact_lock(hashtext('seal'), hashtext(%s))"
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
        number, chain = begun = (last.seal_no or 0, last.chain) if last else (0, GENESIS)
        unsealed = Event.objects.filter(seal_no=None).order_by("id")
        rows = list(unsealed.filter(xid__lt=horizon).values_list("id", "scheme", "digest")[:limit])
        ids, numbers, chains = [], [], []
        for event_id, scheme, digest in rows:
            number, chain = number + 1, link(chain, scheme, event_id, digest)
            ids.append(event_id)
            numbers.append(number)
            chains.append(chain)
        if ids:
            cursor.execute(_WRITE, [ids, numbers, chains])
            _sign(begun, (number, chain))
            move_mark(begun, (number, chain))
        return len(ids), len(ids) == limit or unsealed.exists()


def hold_seal(cursor: Any) -> None:
    """Have nothing sealed in the current schema until the transaction ends."""
    cursor.execute(_WAIT, [current_schema()])


def sign_anew() -> None:
    """Sign all checkpoints of the current schema, which the caller has proven to be of its chain.

    For a log that came from elsewhere, where other secrets or another name signed them.
    """
    rows = list(Checkpoint.objects.all())
    for row in rows:
        row.signature = _signature(row.seal_no, row.chain)
    Checkpoint.objects.bulk_update(rows, ["signature"], batch_size=BATCH)


def is_signed(checkpoint: Checkpoint) -> bool:
    """Whether this installation signed it, with its present secret or one of before."""
    text = _signed_text(checkpoint.seal_no, checkpoint.chain)
    return is_signature(_PURPOSE, text, checkpoint.signature)


def _sign(begun: tuple[int, str], ended: tuple[int, str]) -> None:
    """Move the newest checkpoint to the new end of the chain, if it stood at the old one.

    Otherwise rows were added or removed by hand; signing what came of it would hide that.
    """
    newest = Checkpoint.objects.order_by("-seal_no").first()
    is_whole = is_signed(newest) if newest else begun == (0, GENESIS)
    if newest and (newest.seal_no, newest.chain) != begun:
        is_whole = is_whole and newest.seal_no < begun[0] and _is_marked(begun)
    if not is_whole:
        log.error("event_chain_broken", signed=newest and newest.seal_no, found=begun[0])
        return
    number, chain = ended
    facts = {"seal_no": number, "chain": chain, "signature": _signature(number, chain)}
    if newest and newest.seal_no // KEPT_EVERY == number // KEPT_EVERY:
        Checkpoint.objects.filter(pk=newest.pk).update(**facts)
    else:
        Checkpoint.objects.create(**facts)


def _is_marked(end: tuple[int, str]) -> bool:
    """Whether the sealer itself came this far, while it knew no secret of the last checkpoint.

    The mark moves on from the end that it stands at alone, so nothing was added by hand meanwhile.
    """
    found = mark()
    return found is not None and (found.number, found.chain) == end and is_genuine(found)


def _signature(number: int, chain: str) -> str:
    return signature(_PURPOSE, _signed_text(number, chain))


def _signed_text(number: int, chain: str) -> str:
    return f"{current_schema()}:{number}:{chain}"
