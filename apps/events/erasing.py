"""Taking a person out of the log, so that the chain still proves."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

from django.db import connection, transaction
from django.utils.translation import gettext as _

from apps.core.exceptions import DomainError
from apps.events import services
from apps.events.actors import Actor, Subject
from apps.events.breaks import RESTORED, TAKEN
from apps.events.signing import is_signature, signature
from apps.events.stored import (
    COLUMNS,
    Row,
    actor_digest_of,
    claim,
    content_digest_of,
    erasure_digest,
)
from apps.tenancy.kinds import current_schema

ERASED = "person.erased"
SHORTEST = 4
# Typed, or sent, by who means it.
CONFIRMATION = "ERASE"
_PURPOSE = "erasure"
_ROWS = f"SELECT {COLUMNS} FROM events_event WHERE id = ANY(%s) ORDER BY id FOR UPDATE"  # nosec B608
_ACTOR = """
    UPDATE events_event SET actor_erased_by = %s, actor_digest = v.digest, actor_salt = '',
        actor_label = '', ip = ''
    FROM unnest(%s::bigint[], %s::text[]) AS v(id, digest)
    WHERE events_event.id = v.id AND actor_erased_by IS NULL
"""
_CONTENT = """
    UPDATE events_event SET erased_by = %s, content_digest = v.digest, salt = '',
        subject_label = '', data = '{}'
    FROM unnest(%s::bigint[], %s::text[]) AS v(id, digest)
    WHERE events_event.id = v.id AND erased_by IS NULL
"""
_LOCK = "SELECT pg_advisory_xact_lock(hashtext('erase'), hashtext(%s))"
# Names of values that tell of people: who else is called like a status or a plan is not meant.
PLACES = (
    "actor|actor_label__icontains|address|addresses|after|before|billing_email|by|contact"
    "|customer|email|emails|external_id|first_name|from|full_name|id|ip|label|last_name|login"
    "|members|mobile|name|new|number|old|owner|people|person|phone|principal|q|subject|subscriber"
    "|to|user|user_id|username|users|uuid|who"
)
# Somebody named by a whole value at such a name, however deep; never by a part of one.
_NAMED = """
    erased_by IS NULL AND type <> ALL(%s) AND (
        subject_id = ANY(%s) OR lower(subject_label) = ANY(%s) OR EXISTS (
            SELECT 1 FROM jsonb_path_query(data, 'strict $.** ? (@.type() == "object")') AS o(part)
                CROSS JOIN LATERAL jsonb_each(part) AS pair(name, value)
                CROSS JOIN LATERAL jsonb_path_query(value, 'lax $[*]') AS one(item)
            WHERE lower(name) = ANY(%s) AND lower(item #>> '{}') = ANY(%s)))
"""
_ACTED = """
    actor_erased_by IS NULL AND (actor_id = ANY(%s) OR lower(actor_label) = ANY(%s))
"""
_SAID = """
    erased_by IS NULL AND type <> ALL(%s)
        AND (subject_id = ANY(%s) OR subject_label ~* %s OR data::text ~* %s)
"""
_ACTED_BY = """
    actor_erased_by IS NULL AND (actor_id = ANY(%s) OR actor_label ~* %s)
"""
_IDS = "SELECT id FROM events_event WHERE {} ORDER BY id"
_COUNTS = "SELECT type, count(*) FROM events_event WHERE {} GROUP BY type ORDER BY type"
_AT_ONCE = 1000


@dataclass(frozen=True)
class Erasure:
    """What was erased: in how many events something, and the event that tells of it."""

    uuid: UUID
    events: int


@dataclass(frozen=True)
class Found:
    """Events of a type from which who did it, and what it was about, would go."""

    type: str
    acted: int
    about: int


@transaction.atomic
def erase_person(words: Sequence[str], *, actor: Actor) -> Erasure:
    """Empty what the log knows of somebody, by their ids, e-mail addresses, names or numbers.

    Where they acted, who it was and from where goes. Where it was about them, or a whole value of
    it is one of the words, what it was about goes. Ids stay, which by themselves name nobody.
    DomainError for a word that is too short to mean one person.
    """
    conditions = _conditions(_wanted(words))
    uuid, claims, events = _empty_all(conditions)
    return _tell(uuid, claims, events, actor)


@transaction.atomic
def erase_traces(pattern: str, ids: Sequence[str], *, actor: Actor) -> Erasure | None:
    """Empty all events of the current schema that are about one of the ids, or say the pattern.

    The pattern is a regular expression of PostgreSQL, which unlike a word is also found inside of
    values. None, without an event, where nothing was left to empty.
    """
    content = [[ERASED, RESTORED], list(ids), pattern, pattern]
    uuid, claims, events = _empty_all(
        {"actor": (_ACTED_BY, [list(ids), pattern]), "content": (_SAID, content)}
    )
    return _tell(uuid, claims, events, actor) if events else None


def _empty_all(conditions: dict[str, tuple[str, list[Any]]]) -> tuple[UUID, list[str], set[int]]:
    """Empty what the conditions of each part find; the erasure's id, its claims, and the events."""
    with connection.cursor() as cursor:
        # Two at once would each count parts that the other emptied.
        cursor.execute(_LOCK, [current_schema()])
    uuid = uuid4()
    claims: list[str] = []
    events: set[int] = set()
    for part, (condition, values) in conditions.items():
        for rows in _batches([row[0] for row in _rows(_IDS, condition, values)]):
            claims += _empty(part, rows, uuid)
            events |= {row.id for row in rows}
    return uuid, claims, events


def _tell(uuid: UUID, claims: list[str], events: set[int], actor: Actor) -> Erasure:
    digest = erasure_digest(claims)
    proof = signature(_PURPOSE, _proven_text(uuid, digest))
    services.record(
        ERASED,
        actor=actor,
        subject=Subject("erasure", str(uuid)),
        data={"events": len(events), "digest": digest, "proof": proof},
        uuid=uuid,
    )
    return Erasure(uuid, len(events))


def preview_erasure(words: Sequence[str]) -> list[Found]:
    """What an erasure would empty now; DomainError as there."""
    wanted = _wanted(words)
    found: dict[str, dict[str, int]] = {}
    for part, (condition, values) in _conditions(wanted).items():
        for type_, count in _rows(_COUNTS, condition, values):
            found.setdefault(type_, {})[part] = count
    return [
        Found(type_, parts.get("actor", 0), parts.get("content", 0))
        for type_, parts in sorted(found.items())
    ]


def is_ours(uuid: str, data: dict[str, Any]) -> bool:
    """Whether this installation wrote an erasure; whoever can only write to the database cannot."""
    proof, digest = str(data.get("proof", "")), str(data.get("digest", ""))
    return is_signature(_PURPOSE, _proven_text(uuid, digest), proof)


def _proven_text(uuid: UUID | str, digest: str) -> str:
    return f"{current_schema()}:{uuid}:{digest}"


def _wanted(words: Sequence[str]) -> list[str]:
    wanted = [word.strip() for word in words if word.strip()]
    if not wanted or any(len(word) < SHORTEST for word in wanted):
        raise DomainError(
            _(
                "Name the person by an id, an e-mail address or a full name, of "
                "%(shortest)s letters or more."
            )
            % {"shortest": SHORTEST},
            field="words",
        )
    return wanted


def _conditions(words: list[str]) -> dict[str, tuple[str, list[Any]]]:
    """Which events have something to empty, by part: the condition and its values."""
    lower = [word.lower() for word in words]
    named = [[ERASED, RESTORED, TAKEN], words, lower, PLACES.split("|"), lower]
    return {"actor": (_ACTED, [words, lower]), "content": (_NAMED, named)}


def _rows(sql: str, condition: str, values: list[Any]) -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute(sql.replace("{}", condition, 1), values)
        return list(cursor.fetchall())


def _batches(ids: list[int]) -> Iterator[list[Row]]:
    for start in range(0, len(ids), _AT_ONCE):
        with connection.cursor() as cursor:
            cursor.execute(_ROWS, [ids[start : start + _AT_ONCE]])
            yield [Row(*fields) for fields in cursor.fetchall()]


def _empty(part: str, rows: list[Row], uuid: UUID) -> list[str]:
    """Empty one part of rows; returns the claims."""
    find = actor_digest_of if part == "actor" else content_digest_of
    ids, digests = [row.id for row in rows], [find(row) for row in rows]
    with connection.cursor() as cursor:
        cursor.execute(_ACTOR if part == "actor" else _CONTENT, [uuid, ids, digests])
    return [claim(part, *pair) for pair in zip(ids, digests, strict=True)]
