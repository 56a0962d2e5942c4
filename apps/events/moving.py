"""A log that moves with its schema: its mark goes along, and where it is not ours it is taken over.

Checkpoints, marks, erasures and accepted breaks are signed with the secret of an installation and
the name of a schema. Where both are the same after an import, nothing changes. Where they are not,
the log is proven by itself, signed anew, and an event says so for ever (ADR 023).
"""

import sys
from datetime import datetime
from typing import Any
from uuid import uuid4

from django.db import connection
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from apps.core.languages import grouped
from apps.events import services as events
from apps.events.actors import SYSTEM, Subject
from apps.events.breaks import RESTORED, TAKEN, proof_of
from apps.events.erasing import ERASED
from apps.events.marks import force_mark, is_genuine
from apps.events.models import Checkpoint, Event
from apps.events.sealing import is_signed, sign_anew
from apps.events.stamps import stamp_of
from apps.events.verifying import Walk, verify
from apps.tenancy.exceptions import ForeignArchiveError
from apps.tenancy.transfer.registry import Arrival
from apps.work.models import Mark

_MARK = 'SELECT number, chain, signature, at FROM "public"."work_mark" WHERE schema = %s'
# Numbers of transactions of another server could lie ahead of ours for years.
_UNSEALED = "UPDATE events_event SET xid = pg_current_xact_id()::text::bigint WHERE seal_no IS NULL"


def pack_mark(cursor: Any, schema: str) -> dict[str, Any] | None:
    """The mark of a log, from the export's snapshot."""
    cursor.execute(_MARK, [schema])
    row = cursor.fetchone()
    if row is None:
        return None
    number, chain, signature, at = row
    return {"number": number, "chain": chain, "signature": signature, "at": at.isoformat()}


def unpack_mark(arrival: Arrival, packed: dict[str, Any] | None) -> None:
    """Have the log of the current schema go on: as it was, or taken over."""
    with connection.cursor() as cursor:
        cursor.execute(_UNSEALED)
    mark = _mark(arrival, packed)
    if _is_ours(arrival, mark):
        if mark is not None:
            at = mark.at
            mark.save(force_insert=True)
            # The field says when it was written, which is now.
            Mark.objects.filter(pk=mark.pk).update(at=at)
    else:
        _take_over(arrival, mark)
    events.record(
        "tenant.imported",
        actor=SYSTEM,
        subject=Subject("tenant", arrival.schema, arrival.manifest.name),
        data={
            "from": arrival.manifest.schema_name,
            "release": arrival.manifest.release,
            "made_at": arrival.manifest.made_at,
            "archive": arrival.digest,
            "rows": arrival.manifest.rows,
        },
    )


def _mark(arrival: Arrival, packed: dict[str, Any] | None) -> Mark | None:
    if packed is None:
        return None
    try:
        return Mark(
            schema=arrival.schema,
            number=int(packed["number"]),
            chain=str(packed["chain"])[:64],
            signature=str(packed["signature"])[:64],
            at=datetime.fromisoformat(packed["at"]),
        )
    except (KeyError, TypeError, ValueError):
        raise ForeignArchiveError(
            _("The mark of the archive’s event log cannot be read.")
        ) from None


def _is_ours(arrival: Arrival, mark: Mark | None) -> bool:
    """Whether this installation signed it under this very name."""
    if arrival.is_renamed or (mark is not None and not is_genuine(mark)):
        return False
    newest = Checkpoint.objects.order_by("-seal_no").first()
    return newest is None or is_signed(newest)


def _take_over(arrival: Arrival, mark: Mark | None) -> None:
    """Prove the chain without signatures; then sign it, or leave it to be found faulty."""
    telling = Event.objects.filter(seal_no=None, type__in=[ERASED, RESTORED, TAKEN])
    if telling.exists():
        raise ForeignArchiveError(
            _("Its event log was not yet sealed when it was exported. Export it again in a moment.")
        )
    report = verify(Walk(taken=sys.maxsize), knows_mark=False)
    last = Event.objects.filter(seal_no__isnull=False).order_by("-seal_no").first()
    is_whole = mark is None or Event.objects.filter(seal_no=mark.number, chain=mark.chain).exists()
    if not (report.is_proven and is_whole):
        arrival.notes.append(
            _(
                "Its event log was not as it was written when it was exported, so it is not vouched"
                " for here: verify_events says what is wrong with it."
            )
        )
        return
    if last is None:
        return
    end = (last.seal_no or 0, last.chain)
    sign_anew()
    _stamp_anew()
    _record(arrival, mark, end)
    Mark.objects.create(schema=arrival.schema, number=0, chain="", signature="")
    force_mark(end)
    arrival.notes.append(
        ngettext(
            "Its event log was signed under another name or secret. Its one sealed event was proven"
            " by itself and is signed anew; an event says so.",
            "Its event log was signed under another name or secret. Its %(count)s sealed events"
            " were proven by themselves and are signed anew; an event says so.",
            end[0],
        )
        % {"count": grouped(end[0])}
    )


def _stamp_anew() -> None:
    """Stamp what was not sealed yet: no number yet says that it came from elsewhere."""
    rows = list(Event.objects.filter(seal_no=None).only("digest"))
    for row in rows:
        row.stamp = stamp_of(row.digest)
    Event.objects.bulk_update(rows, ["stamp"], batch_size=1000)


def _record(arrival: Arrival, mark: Mark | None, end: tuple[int, str]) -> None:
    uuid = uuid4()
    facts = {
        "from": arrival.manifest.schema_name,
        "archive": arrival.digest,
        "known": mark and {"number": mark.number, "chain": mark.chain, "signature": mark.signature},
        "found": {"number": end[0], "chain": end[1]},
    }
    events.record(
        TAKEN,
        actor=SYSTEM,
        subject=Subject("log", arrival.schema, arrival.schema),
        data={**facts, "proof": proof_of(uuid, facts)},
        uuid=uuid,
    )
