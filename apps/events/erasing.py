"""Taking a person out of the log, so that the chain still proves."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from uuid import UUID, uuid4

from django.db import connection, transaction
from django.db.models import Q, TextField
from django.db.models.functions import Cast

from apps.core.exceptions import DomainError
from apps.events import services
from apps.events.actors import Actor, Subject
from apps.events.digests import FIRST
from apps.events.models import Event
from apps.events.stored import (
    COLUMNS,
    Row,
    actor_digest_of,
    claim,
    content_digest_of,
    erasure_digest,
)

ERASED = "person.erased"
SHORTEST = 4
_ROWS = f"SELECT {COLUMNS} FROM events_event WHERE id = ANY(%s) ORDER BY id FOR UPDATE"  # nosec B608
_ACTOR = """
    UPDATE events_event SET actor_erased_by = %s, actor_digest = v.digest, actor_salt = '',
        actor_label = '', ip = ''
    FROM unnest(%s::bigint[], %s::text[]) AS v(id, digest) WHERE events_event.id = v.id
"""
_CONTENT = """
    UPDATE events_event SET erased_by = %s, content_digest = v.digest, salt = '',
        subject_label = '', data = '{}'
    FROM unnest(%s::bigint[], %s::text[]) AS v(id, digest) WHERE events_event.id = v.id
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

    Where they acted, who it was and from where goes; where it was about them or names them, what
    it was about goes. Ids stay, which by themselves name nobody. DomainError for a word that is
    too short to mean one person.
    """
    wanted = [word.strip() for word in words if word.strip()]
    if not wanted or any(len(word) < SHORTEST for word in wanted):
        raise DomainError(
            f"Name the person by an id, an e-mail address or a full name, of {SHORTEST} letters or"
            " more.",
            field="words",
        )
    uuid = uuid4()
    claims: list[str] = []
    events: set[int] = set()
    # One after the other: of rows of the first scheme the first turn empties both parts.
    for part, find in (("actor", _acted), ("content", _about)):
        for rows in _batches(find(wanted)):
            claims += _empty(part, rows, uuid)
            events |= {row.id for row in rows}
    services.record(
        ERASED,
        actor=actor,
        subject=Subject("erasure", str(uuid)),
        data={"events": len(events), "digest": erasure_digest(claims)},
        uuid=uuid,
    )
    return Erasure(uuid, len(events))


def _acted(words: Sequence[str]) -> list[int]:
    mine = Q()
    for word in words:
        mine |= Q(actor_id=word) | Q(actor_label__icontains=word)
    rows = Event.objects.filter(mine, actor_erased_by=None)
    return list(rows.order_by("id").values_list("id", flat=True))


def _about(words: Sequence[str]) -> list[int]:
    mine = Q()
    for word in words:
        mine |= Q(subject_id=word) | Q(subject_label__icontains=word) | Q(text__icontains=word)
    rows = Event.objects.annotate(text=Cast("data", TextField()))
    rows = rows.filter(mine, erased_by=None).exclude(type=ERASED)
    return list(rows.order_by("id").values_list("id", flat=True))


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
