"""Taking a person out of the log, so that the chain still proves."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

from django.conf import settings
from django.db import connection, transaction
from django.utils.crypto import constant_time_compare, salted_hmac
from django.utils.translation import gettext as _

from apps.core.exceptions import DomainError
from apps.events import services
from apps.events.actors import Actor, Subject
from apps.events.digests import FIRST
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
# Somebody named by a whole value, however deep; never by a part of one, nor by a value's name.
_NAMED = """
    SELECT id FROM events_event WHERE erased_by IS NULL AND type <> %s AND (
        subject_id = ANY(%s) OR lower(subject_label) = ANY(%s) OR EXISTS (
            SELECT 1 FROM jsonb_path_query(data, 'lax $.**') AS found(value)
            WHERE jsonb_typeof(value) = 'string' AND lower(value #>> '{}') = ANY(%s)))
    ORDER BY id
"""
_ACTED = """
    SELECT id FROM events_event WHERE actor_erased_by IS NULL
        AND (actor_id = ANY(%s) OR lower(actor_label) = ANY(%s))
    ORDER BY id
"""
_AT_ONCE = 1000


@dataclass(frozen=True)
class Erasure:
    """What was erased: in how many events something, and the event that tells of it."""

    uuid: UUID
    events: int


@transaction.atomic
def erase_person(words: Sequence[str], *, actor: Actor) -> Erasure:
    """Empty what the log knows of somebody, by their ids, e-mail addresses, names or numbers.

    Where they acted, who it was and from where goes. Where it was about them, or a whole value of
    it is one of the words, what it was about goes. Ids stay, which by themselves name nobody.
    DomainError for a word that is too short to mean one person.
    """
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
    with connection.cursor() as cursor:
        # Two at once would each count parts that the other emptied.
        cursor.execute(_LOCK, [current_schema()])
    uuid = uuid4()
    claims: list[str] = []
    events: set[int] = set()
    # One after the other: of rows of the first scheme the first turn empties both parts.
    for part, find in (("actor", _acted), ("content", _about)):
        for rows in _batches(find(wanted)):
            claims += _empty(part, rows, uuid)
            events |= {row.id for row in rows}
    digest = erasure_digest(claims)
    services.record(
        ERASED,
        actor=actor,
        subject=Subject("erasure", str(uuid)),
        data={"events": len(events), "digest": digest, "proof": _proof(uuid, digest)},
        uuid=uuid,
    )
    return Erasure(uuid, len(events))


def is_ours(uuid: str, data: dict[str, Any]) -> bool:
    """Whether this installation wrote an erasure; whoever can only write to the database cannot."""
    proof, digest = str(data.get("proof", "")), str(data.get("digest", ""))
    keys = [settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS]
    return any(constant_time_compare(proof, _proof(uuid, digest, key)) for key in keys)


def _proof(uuid: UUID | str, digest: str, key: str | bytes = "") -> str:
    text = f"{current_schema()}:{uuid}:{digest}"
    secret = key or settings.SECRET_KEY
    return salted_hmac("events.erasure", text, secret=secret, algorithm="sha256").hexdigest()


def _acted(words: Sequence[str]) -> list[int]:
    return _ids(_ACTED, [list(words), _lower(words)])


def _about(words: Sequence[str]) -> list[int]:
    return _ids(_NAMED, [ERASED, list(words), _lower(words), _lower(words)])


def _lower(words: Sequence[str]) -> list[str]:
    return [word.lower() for word in words]


def _ids(sql: str, values: list[Any]) -> list[int]:
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        return [row[0] for row in cursor.fetchall()]


def _batches(ids: list[int]) -> Iterator[list[Row]]:
    for start in range(0, len(ids), _AT_ONCE):
        with connection.cursor() as cursor:
            cursor.execute(_ROWS, [ids[start : start + _AT_ONCE]])
            yield [Row(*fields) for fields in cursor.fetchall()]


def _empty(part: str, rows: list[Row], uuid: UUID) -> list[str]:
    """Empty one part of rows, and both where they lie under one salt; returns the claims."""
    claims: list[str] = []
    first = [row for row in rows if row.scheme == FIRST]
    for name in ("actor", "content"):
        chosen = rows if name == part else first
        # Of the first scheme there are no digests of parts: the whole one stands for both.
        find = actor_digest_of if name == "actor" else content_digest_of
        digests = [row.digest if row.scheme == FIRST else find(row) for row in chosen]
        ids = [row.id for row in chosen]
        with connection.cursor() as cursor:
            cursor.execute(_ACTOR if name == "actor" else _CONTENT, [uuid, ids, digests])
        claims += [claim(name, *pair) for pair in zip(ids, digests, strict=True)]
    return claims
