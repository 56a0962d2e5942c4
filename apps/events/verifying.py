"""Proving the log: each digest, each link of the chain, each checkpoint and each erasure."""

import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from datetime import timedelta
from typing import Any

from django.db import connection, transaction
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from apps.events.breaks import RESTORED, TAKEN, Break, Move, break_of, move_of, taken_until
from apps.events.breaks import is_ours as is_our_break
from apps.events.digests import CURRENT, link, microseconds
from apps.events.erasing import ERASED, is_ours
from apps.events.exceptions import VerificationBusyError
from apps.events.marks import is_genuine, mark
from apps.events.models import Checkpoint, Cursor
from apps.events.places import follower_of, id_of, leader_of
from apps.events.sealing import GENESIS, is_signed
from apps.events.stamps import stamps
from apps.events.stored import (
    COLUMNS,
    Row,
    claims_of,
    digest_of,
    erasure_digest,
    whole_digest,
)
from apps.tenancy.kinds import current_schema
from apps.work.models import Mark
from apps.work.words import Words, words

# An event is sealed within seconds, or after the transactions that began before it.
SEALED_WITHIN = timedelta(minutes=5)
# More than a person follows up; what comes after them is not looked at.
MOST_FINDINGS = 50
# Places of rows that do not fit, each looked for in the whole log.
MOST_SEARCHES = 20
_LOCK = "SELECT pg_try_advisory_xact_lock(hashtext('verify'), hashtext(%s))"
_AT_ONCE = 2000
_CHANGED = gettext_noop("Its content does not match its digest: it was changed.")
_REMOVED = gettext_noop("Events {first} to {end}, the newest, were removed.")
_REMOVED_BY_MARK = gettext_noop(
    "Events {first} to {end}, the newest, were removed. The mark outside of this log knows them."
)
# Events that tell of the log itself.
_TELLING = (ERASED, RESTORED, TAKEN)
_EVENTS = f"SELECT {COLUMNS} FROM events_event ORDER BY seal_no, id"  # nosec B608


@dataclass(frozen=True)
class Finding:
    """Something wrong: a word for its kind, the event if it is there, what was found.

    The text is English, as logs and programs read it; pages read the words in their own language.
    """

    kind: str
    event_id: int | None
    text: str
    words: Words | None = field(default=None, compare=False)


@dataclass
class Report:
    """What a look at the whole log found."""

    events: int = 0
    erased: int = 0
    checkpoints: int = 0
    seconds: float = 0.0
    findings: list[Finding] = field(default_factory=list)
    # What is missing since a backup was restored, and somebody said so: nothing wrong any more.
    breaks: list[Break] = field(default_factory=list)
    # What was sealed elsewhere before its schema came here.
    moves: list[Move] = field(default_factory=list)

    @property
    def is_proven(self) -> bool:
        """Whether nothing is wrong."""
        return not self.findings

    def said(self) -> dict[str, Any]:
        """As it is stored with a verification."""
        return asdict(self)


def verify(walk: "Walk | None" = None, *, knows_mark: bool = True) -> Report:
    """Read the log of the current schema from its beginning, in one snapshot, and prove it.

    VerificationBusyError while another one does so: each reads everything. `walk` is a fresh one
    that the caller watches. Without the mark a log is proven by itself, however short it is.
    """
    began = time.monotonic()
    walk = walk or Walk()
    is_outermost = not connection.in_atomic_block
    with transaction.atomic(), connection.cursor() as cursor:
        if is_outermost:
            # One snapshot for all that is compared, while the sealer goes on.
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        cursor.execute(_LOCK, [current_schema()])
        if not cursor.fetchone()[0]:
            raise VerificationBusyError(_("The log is being verified already. Wait for its end."))
        shown = Cursor.objects.filter(name="reactions").values_list("seal_no", flat=True).first()
        walk.begin(list(Checkpoint.objects.order_by("seal_no")), mark() if knows_mark else None)
        _read(walk, shown or 0)
    walk.report.seconds = time.monotonic() - began
    return walk.report


def _read(walk: "Walk", shown: int) -> None:
    """Walk over every event; while some are hashed the next are fetched."""
    with connection.chunked_cursor() as cursor, ThreadPoolExecutor(1, "verify") as ahead:
        cursor.execute(_EVENTS)
        coming = ahead.submit(cursor.fetchmany, _AT_ONCE)
        while rows := coming.result():
            coming = ahead.submit(cursor.fetchmany, _AT_ONCE)
            walk.go(rows)
            if len(walk.report.findings) >= MOST_FINDINGS:
                coming.result()
                return
    walk.end(shown)


class Walk:
    """Goes along the chain; the rows come by seal number, then the unsealed ones."""

    def __init__(self, *, taken: int = 0) -> None:
        self.report = Report()
        # Up to this number others signed, whom only the chain vouches for.
        self.taken = taken
        self.number, self.chain, self.last_id = 0, GENESIS, 0
        self.beyond = 0
        self.searches = 0
        # Of rows out of their place, so that those around them are not blamed.
        self.misplaced: set[int] = set()
        self.claims: dict[str, list[str]] = {}
        self.erasures: dict[str, Any] = {}
        self.late = int(microseconds(timezone.now() - SEALED_WITHIN))
        self.is_stamp = stamps()
        # From the first event with a stamp on every one has it.
        self.has_stamps = False

    def begin(self, checkpoints: Sequence[Checkpoint], mark: Mark | None) -> None:
        """With what the chain is compared to."""
        self.taken = self.taken or taken_until()
        self.report.checkpoints = len(checkpoints)
        self.checkpoints = {one.seal_no: one for one in checkpoints}
        self.first_unsigned = max(self.checkpoints) + 1 if checkpoints else 0
        self.mark = mark
        # Numbers at which there is more to look at than the row.
        self.watched = {*self.checkpoints, self.first_unsigned, mark.number if mark else 0}

    def go(self, rows: Sequence[Any]) -> None:
        """Check rows until there is more wrong than anybody follows up."""
        for fields in rows:
            if self._fits(fields):
                continue
            row = Row(*fields)
            if row.seal_no is None:
                self._unsealed(row)
            else:
                self._sealed(row)
            if len(self.report.findings) >= MOST_FINDINGS:
                return
            self.report.events += 1

    def _fits(self, fields: Sequence[Any]) -> bool:
        """Whether a row is an ordinary one that is in order; most are, so this is quick."""
        seal_no, scheme, digest, chain = fields[1:5]
        if seal_no != self.number + 1 or seal_no in self.watched or scheme != CURRENT:
            return False
        if fields[7] in _TELLING or fields[20] or fields[21]:
            return False
        if whole_digest(fields) != digest or link(self.chain, scheme, fields[0], digest) != chain:
            return False
        if not self.has_stamps or (seal_no > self.taken and not self.is_stamp(digest, fields[22])):
            return False
        self.number, self.chain, self.last_id = seal_no, chain, fields[0]
        self.report.events += 1
        return True

    def _sealed(self, row: Row) -> None:
        if row.seal_no != self.number + 1:
            self._gap(row)
        found = len(self.report.findings)
        if digest_of(row) != row.digest:
            self._say("changed", row, _CHANGED)
        if link(self.chain, row.scheme, row.id, row.digest) != row.chain:
            self._out_of_place(row)
        if not self._is_stamped(row) and len(self.report.findings) == found:
            self._forged(row)
        self.number, self.chain, self.last_id = row.seal_no or 0, row.chain, row.id
        self._end_known(row)
        if row.erased_by or row.actor_erased_by or row.type in _TELLING:
            self._note(row)

    def _end_known(self, row: Row) -> None:
        """Where an end was signed, in the schema or outside of it."""
        if row.seal_no in self.checkpoints:
            self._checkpoint(row)
        elif row.seal_no == self.first_unsigned:
            self.beyond = row.id
        if self.mark and row.seal_no == self.mark.number:
            self._marked(row)

    def end(self, shown: int) -> None:
        """What only the whole log tells."""
        newest = max(self.checkpoints, default=0)
        # Numbers that are off follow from what was found before.
        if not self.report.findings and self.beyond:
            self._add(
                "inserted",
                self.beyond,
                words(
                    gettext_noop(
                        "It and what follows number {newest} is sealed, not signed: added by hand."
                    ),
                    newest=newest,
                ),
            )
        end = max(newest, shown, self.mark.number if self.mark else 0)
        if not self.report.findings and self.number < end:
            # The second knows of it by the mark outside of this log.
            text = _REMOVED if end <= max(newest, shown) else _REMOVED_BY_MARK
            self._add("removed", None, words(text, first=self.number + 1, end=end))
        if self.mark and not is_genuine(self.mark):
            text = gettext_noop("The mark outside of this log is not signed by this installation.")
            self._add("changed", None, words(text))
        if self.number and not self.checkpoints:
            text = gettext_noop(
                "No checkpoint is there, though events are sealed: they were removed."
            )
            self._add("removed", None, words(text))
        for uuid in sorted(self.claims.keys() | self.erasures.keys()):
            claims = self.claims.get(uuid, [])
            if self.erasures.get(uuid) != erasure_digest(claims):
                text = gettext_noop(
                    "{count} parts are empty, which is not what the erasure {uuid} did."
                )
                self._add("changed", None, words(text, count=len(claims), uuid=uuid))

    def _note(self, row: Row) -> None:
        if row.type == ERASED:
            data = row.read_data()
            if not (self._is_taken(row) or is_ours(row.uuid, data)):
                self._say(
                    "changed",
                    row,
                    gettext_noop("This erasure was not written by this installation."),
                )
            self.erasures[row.uuid] = data.get("digest")
        if row.type == RESTORED:
            self._broken(row)
        if row.type == TAKEN:
            self._moved(row)
        if row.actor_erased_by or row.erased_by:
            self.report.erased += 1
            if not row.is_empty():
                self._say(
                    "changed", row, gettext_noop("Something was written where a person was erased.")
                )
            for erasure, claim in claims_of(row):
                self.claims.setdefault(erasure, []).append(claim)

    def _broken(self, row: Row) -> None:
        data = row.read_data()
        if self._is_taken(row) or is_our_break(row.uuid, data):
            self.report.breaks.append(break_of(row, data))
        else:
            self._say(
                "changed", row, gettext_noop("This break was not accepted by this installation.")
            )

    def _moved(self, row: Row) -> None:
        data = row.read_data()
        if self._is_taken(row) or is_our_break(row.uuid, data):
            self.report.moves.append(move_of(row, data))
        else:
            self._say(
                "changed", row, gettext_noop("This log was not taken over by this installation.")
            )

    def _is_taken(self, row: Row) -> bool:
        return row.seal_no is not None and row.seal_no <= self.taken

    def _unsealed(self, row: Row) -> None:
        if digest_of(row) != row.digest:
            self._say("changed", row, _CHANGED)
        elif not self._is_stamped(row):
            self._forged(row)
        if int(row.at_us) < self.late:
            text = gettext_noop(
                "It is not sealed yet: the clock does not run, or a transaction never ends."
            )
            self._say("unsealed", row, text)
        self._note(row)

    def _is_stamped(self, row: Row) -> bool:
        if row.scheme == CURRENT:
            self.has_stamps = True
            return self._is_taken(row) or self.is_stamp(row.digest, row.stamp)
        return not self.has_stamps

    def _forged(self, row: Row) -> None:
        self.misplaced.add(row.id)
        text = gettext_noop(
            "This installation never wrote it: it was added, or written anew, by hand."
        )
        self._say("inserted", row, text)

    def _gap(self, row: Row) -> None:
        missing = f"{self.number + 1} to {(row.seal_no or 0) - 1}"
        self._say(
            "removed",
            row,
            gettext_noop("The events before it, numbers {missing}, were removed."),
            missing=missing,
        )
        if self._leader_of(row) is None:
            # What it followed is gone, and that is said.
            self.misplaced.add(row.id)

    def _is_searched(self) -> bool:
        """Whether a row's place is still looked for; each search reads the whole log."""
        self.searches += 1
        return self.searches <= MOST_SEARCHES

    def _leader_of(self, row: Row) -> tuple[int, int, list[int]] | None:
        return leader_of(row) if self._is_searched() else None

    def _marked(self, row: Row) -> None:
        if self.mark and self.mark.chain != row.chain and not self.report.findings:
            text = gettext_noop(
                "The log was once longer, as the mark outside of it knows: its newest events were"
                " removed, and others written since."
            )
            self._say("removed", row, text)

    def _out_of_place(self, row: Row) -> None:
        """Say which row does not belong where it stands."""
        if row.id in self.misplaced:
            return
        leader = self._leader_of(row)
        if leader is not None:
            self._led_elsewhere(row, leader)
        elif self._is_searched() and follower_of(self.chain, row.id) is not None:
            self.misplaced.add(row.id)
            self._say(
                "inserted", row, gettext_noop("It was never sealed here: it was inserted by hand.")
            )
        elif self._is_searched() and (id_before := id_of(row, self.chain)) is not None:
            text = gettext_noop("Its id was exchanged: it was event {event_id}.")
            self._say("reordered", row, text, event_id=id_before)
        else:
            text = gettext_noop(
                "It does not follow from event {last_id}: one of the two was "
                "rewritten, or one between them was removed."
            )
            self._say("removed", row, text, last_id=self.last_id)

    def _led_elsewhere(self, row: Row, leader: tuple[int, int, list[int]]) -> None:
        number, event_id, between = leader
        if self.misplaced & {event_id, *between}:
            return
        if number > self.number:
            self.misplaced.add(row.id)
            text = gettext_noop("It belongs right behind event {event_id}.")
            self._say("reordered", row, text, event_id=event_id)
        else:
            text = gettext_noop("It stands between events {event_id} and {id}, where nothing was.")
            for one in between or [row.id]:
                self._add("inserted", one, words(text, event_id=event_id, id=row.id))

    def _checkpoint(self, row: Row) -> None:
        checkpoint = self.checkpoints[row.seal_no or 0]
        if self.taken < sys.maxsize and not is_signed(checkpoint):
            self._say(
                "changed",
                row,
                gettext_noop("The checkpoint there is not signed by this installation."),
            )
        elif checkpoint.chain != row.chain and not self.report.findings:
            text = gettext_noop(
                "The chain there is not the signed one: it was written anew from before it."
            )
            self._say("changed", row, text)

    def _say(self, kind: str, row: Row, text: str, **values: object) -> None:
        self._add(kind, row.id, words(text, **values))

    def _add(self, kind: str, event_id: int | None, said: Words) -> None:
        self.report.findings.append(Finding(kind, event_id, str(said), said))
