"""Proving the log: each digest, each link of the chain, each checkpoint and each erasure."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from django.db import connection, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from apps.events.digests import microseconds
from apps.events.erasing import ERASED, is_ours
from apps.events.models import Checkpoint, Cursor
from apps.events.places import follower_of, leader_of
from apps.events.sealing import GENESIS, is_signed, link
from apps.events.stored import COLUMNS, Row, claims_of, digest_of, erasure_digest

# An event is sealed within seconds, or after the transactions that began before it.
SEALED_WITHIN = timedelta(minutes=5)
# More than a person follows up; what comes after them is not looked at.
MOST_FINDINGS = 50
_AT_ONCE = 2000
_EVENTS = f"SELECT {COLUMNS} FROM events_event ORDER BY seal_no, id"  # nosec B608


@dataclass(frozen=True)
class Finding:
    """Something wrong: a word for its kind, the event if it is there, what was found."""

    kind: str
    event_id: int | None
    text: str


@dataclass
class Report:
    """What a look at the whole log found."""

    events: int = 0
    erased: int = 0
    checkpoints: int = 0
    seconds: float = 0.0
    findings: list[Finding] = field(default_factory=list)

    @property
    def is_proven(self) -> bool:
        """Whether nothing is wrong."""
        return not self.findings


def verify() -> Report:
    """Read the log of the current schema from its beginning, in one snapshot, and prove it."""
    began = time.monotonic()
    is_outermost = not connection.in_atomic_block
    with transaction.atomic():
        if is_outermost:
            # One snapshot for all that is compared, while the sealer goes on.
            with connection.cursor() as cursor:
                cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        checkpoints = list(Checkpoint.objects.order_by("seal_no"))
        shown = Cursor.objects.filter(name="reactions").values_list("seal_no", flat=True).first()
        walk = _Walk(checkpoints)
        with connection.chunked_cursor() as cursor:
            cursor.execute(_EVENTS)
            while rows := cursor.fetchmany(_AT_ONCE):
                walk.go(rows)
                if len(walk.report.findings) >= MOST_FINDINGS:
                    break
            else:
                walk.end(shown or 0)
    walk.report.seconds = time.monotonic() - began
    return walk.report


class _Walk:
    """Goes along the chain; the rows come by seal number, then the unsealed ones."""

    def __init__(self, checkpoints: Sequence[Checkpoint]) -> None:
        self.report = Report(checkpoints=len(checkpoints))
        self.number, self.chain, self.last_id = 0, GENESIS, 0
        self.checkpoints = {one.seal_no: one for one in checkpoints}
        self.first_unsigned = max(self.checkpoints) + 1 if checkpoints else 0
        self.beyond = 0
        # Of rows out of their place, so that those around them are not blamed.
        self.misplaced: set[int] = set()
        self.claims: dict[str, list[str]] = {}
        self.erasures: dict[str, Any] = {}
        self.late = int(microseconds(timezone.now() - SEALED_WITHIN))

    def go(self, rows: Sequence[Any]) -> None:
        """Check rows until there is more wrong than anybody follows up."""
        for fields in rows:
            row = Row(*fields)
            if row.seal_no is None:
                self._unsealed(row)
            else:
                self._sealed(row)
            if len(self.report.findings) >= MOST_FINDINGS:
                return
            self.report.events += 1

    def _sealed(self, row: Row) -> None:
        if row.seal_no != self.number + 1:
            self._gap(row)
        if digest_of(row) != row.digest:
            self._say("changed", row, _("Its content does not match its digest: it was changed."))
        if link(self.chain, row.digest) != row.chain:
            self._out_of_place(row)
        self.number, self.chain, self.last_id = row.seal_no or 0, row.chain, row.id
        if row.seal_no in self.checkpoints:
            self._checkpoint(row)
        elif row.seal_no == self.first_unsigned:
            self.beyond = row.id
        if row.erased_by or row.actor_erased_by or row.type == ERASED:
            self._note(row)

    def end(self, shown: int) -> None:
        """What only the whole log tells."""
        newest = max(self.checkpoints, default=0)
        # Numbers that are off follow from what was found before.
        if not self.report.findings and self.beyond:
            text = _(
                "It and what follows number %(newest)s is sealed, not signed: added by hand."
            ) % {"newest": newest}
            self.report.findings.append(Finding("inserted", self.beyond, text))
        end = max(newest, shown)
        if not self.report.findings and self.number < end:
            text = _("Events %(first)s to %(end)s, the newest, were removed.") % {
                "first": self.number + 1,
                "end": end,
            }
            self.report.findings.append(Finding("removed", None, text))
        if self.number and not self.checkpoints:
            text = _("No checkpoint is there, though events are sealed: they were removed.")
            self.report.findings.append(Finding("removed", None, text))
        for uuid in sorted(self.claims.keys() | self.erasures.keys()):
            claims = self.claims.get(uuid, [])
            if self.erasures.get(uuid) != erasure_digest(claims):
                text = _(
                    "%(count)s parts are empty, which is not what the erasure %(uuid)s did."
                ) % {"count": len(claims), "uuid": uuid}
                self.report.findings.append(Finding("changed", None, text))

    def _note(self, row: Row) -> None:
        if row.type == ERASED:
            data = row.read_data()
            if not is_ours(row.uuid, data):
                self._say("changed", row, _("This erasure was not written by this installation."))
            self.erasures[row.uuid] = data.get("digest")
        if row.actor_erased_by or row.erased_by:
            self.report.erased += 1
            if not row.is_empty():
                self._say("changed", row, _("Something was written where a person was erased."))
            for erasure, claim in claims_of(row):
                self.claims.setdefault(erasure, []).append(claim)

    def _unsealed(self, row: Row) -> None:
        if digest_of(row) != row.digest:
            self._say("changed", row, _("Its content does not match its digest: it was changed."))
        if int(row.at_us) < self.late:
            text = _("It is not sealed yet: the clock does not run, or a transaction never ends.")
            self._say("unsealed", row, text)
        self._note(row)

    def _gap(self, row: Row) -> None:
        missing = f"{self.number + 1} to {(row.seal_no or 0) - 1}"
        self._say(
            "removed",
            row,
            _("The events before it, numbers %(missing)s, were removed.") % {"missing": missing},
        )
        if leader_of(row.chain, row.digest) is None:
            # What it followed is gone, and that is said.
            self.misplaced.add(row.id)

    def _out_of_place(self, row: Row) -> None:
        """Say which row does not belong where it stands."""
        if row.id in self.misplaced:
            return
        leader = leader_of(row.chain, row.digest)
        if leader is not None:
            self._led_elsewhere(row, leader)
        elif follower_of(self.chain, row.id) is not None:
            self.misplaced.add(row.id)
            self._say("inserted", row, _("It was never sealed here: it was inserted by hand."))
        else:
            text = _(
                "It does not follow from event %(last_id)s: one of the two was "
                "rewritten, or one between them was removed."
            ) % {"last_id": self.last_id}
            self._say("removed", row, text)

    def _led_elsewhere(self, row: Row, leader: tuple[int, int, list[int]]) -> None:
        number, event_id, between = leader
        if self.misplaced & {event_id, *between}:
            return
        if number > self.number:
            self.misplaced.add(row.id)
            self._say(
                "reordered",
                row,
                _("It belongs right behind event %(event_id)s.") % {"event_id": event_id},
            )
        else:
            for one in between or [row.id]:
                text = _("It stands between events %(event_id)s and %(id)s, where nothing was.") % {
                    "event_id": event_id,
                    "id": row.id,
                }
                self.report.findings.append(Finding("inserted", one, text))

    def _checkpoint(self, row: Row) -> None:
        checkpoint = self.checkpoints[row.seal_no or 0]
        if not is_signed(checkpoint):
            self._say("changed", row, _("The checkpoint there is not signed by this installation."))
        elif checkpoint.chain != row.chain and not self.report.findings:
            text = _("The chain there is not the signed one: it was written anew from before it.")
            self._say("changed", row, text)

    def _say(self, kind: str, row: Row, text: str) -> None:
        self.report.findings.append(Finding(kind, row.id, text))
