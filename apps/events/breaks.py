"""Breaks of a log that somebody accepted after a backup was restored, each told by an event.

The event holds the mark as it was, which this installation signed, so that it stays provable for
ever that the log was longer once; and a proof, so that nobody else's event passes for one.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from apps.events.digests import canonical
from apps.events.models import Event
from apps.events.signing import is_signature, signature
from apps.events.stored import Row
from apps.tenancy.kinds import current_schema

_PURPOSE = "restored"
RESTORED = "log.restored"
# Of a log that came with its schema from elsewhere (moving).
TAKEN = "log.taken_over"


@dataclass(frozen=True)
class Break:
    """An accepted break: who said so and why, the end that was known, and the one that was found.

    `who` is empty once the person is erased, `at` is ISO 8601.
    """

    event_id: int
    at: str
    who: str
    reason: str
    known: int
    found: int


@dataclass(frozen=True)
class Move:
    """A log that came from elsewhere: when, from which schema, and up to which number."""

    event_id: int
    at: str
    origin: str
    until: int


def taken_until() -> int:
    """Up to which number the log of the current schema was sealed elsewhere, and taken over."""
    for event in Event.objects.filter(type=TAKEN).order_by("-id"):
        if is_ours(event.uuid, event.data):
            return int(event.data["found"]["number"])
    return 0


def facts_of(reason: str, known: dict[str, Any], found: dict[str, Any], uuid: UUID) -> Any:
    """The data of an acceptance's event: `known` is the mark of before, `found` the log's end."""
    facts = {"reason": reason, "known": known, "found": found}
    return {**facts, "proof": proof_of(uuid, facts)}


def is_ours(uuid: UUID | str, data: dict[str, Any]) -> bool:
    """Whether this installation wrote an acceptance: it takes more than writing to the database."""
    facts = {key: value for key, value in data.items() if key != "proof"}
    return is_signature(_PURPOSE, _proven_text(uuid, facts), str(data.get("proof", "")))


def break_of(row: Row, data: dict[str, Any]) -> Break:
    """What an acceptance's event tells."""
    at = datetime.fromtimestamp(int(row.at_us) / 1_000_000, UTC)
    return Break(
        event_id=row.id,
        at=at.isoformat(timespec="seconds"),
        who=row.actor_label,
        reason=str(data["reason"]),
        known=int(data["known"]["number"]),
        found=int(data["found"]["number"]),
    )


def move_of(row: Row, data: dict[str, Any]) -> Move:
    """What the event of a log that was taken over tells."""
    at = datetime.fromtimestamp(int(row.at_us) / 1_000_000, UTC)
    return Move(
        event_id=row.id,
        at=at.isoformat(timespec="seconds"),
        origin=str(data["from"]),
        until=int(data["found"]["number"]),
    )


def proof_of(uuid: UUID | str, facts: dict[str, Any]) -> str:
    """What nobody can make without this installation's secret."""
    return signature(_PURPOSE, _proven_text(uuid, facts))


def _proven_text(uuid: UUID | str, facts: dict[str, Any]) -> str:
    return f"{current_schema()}:{uuid}:{canonical(facts)}"
