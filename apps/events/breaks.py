"""Breaks of a log that somebody accepted after a backup was restored, each told by an event.

The event holds the mark as it was, which this installation signed, so that it stays provable for
ever that the log was longer once; and a proof, so that nobody else's event passes for one.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from django.conf import settings
from django.utils.crypto import constant_time_compare, salted_hmac

from apps.events.digests import canonical
from apps.events.stored import Row
from apps.tenancy.kinds import current_schema

RESTORED = "log.restored"


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


def facts_of(reason: str, known: dict[str, Any], found: dict[str, Any], uuid: UUID) -> Any:
    """The data of an acceptance's event: `known` is the mark of before, `found` the log's end."""
    facts = {"reason": reason, "known": known, "found": found}
    return {**facts, "proof": _proof(uuid, facts)}


def is_ours(uuid: UUID | str, data: dict[str, Any]) -> bool:
    """Whether this installation wrote an acceptance: it takes more than writing to the database."""
    facts = {key: value for key, value in data.items() if key != "proof"}
    keys = [settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS]
    proof = str(data.get("proof", ""))
    return any(constant_time_compare(proof, _proof(uuid, facts, key)) for key in keys)


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


def _proof(uuid: UUID | str, facts: dict[str, Any], key: str | bytes = "") -> str:
    text = f"{current_schema()}:{uuid}:{canonical(facts)}"
    secret = key or settings.SECRET_KEY
    return salted_hmac("events.restored", text, secret=secret, algorithm="sha256").hexdigest()
