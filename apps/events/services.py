"""Writing events, and reading them in an order that never changes."""

import json
import secrets
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any
from uuid import UUID, uuid4

import structlog
from django.db import connection, models, transaction
from django.utils import timezone
from django.utils.translation import gettext_noop

from apps.events.actors import Actor, Subject, subject_of
from apps.events.digests import as_read, event_digest
from apps.events.models import Cursor, Event
from apps.events.origins import current_ip
from apps.events.stamps import stamp_of, stamper
from apps.tenancy.kinds import current_schema
from apps.tenancy.prepared import fetch_prepared
from apps.work import services as work
from apps.work.words import words

log = structlog.get_logger(__name__)
SIGNAL = "events"
# How often an event's reactions are tried before those that fail are left out.
PATIENCE = 5
FAILED_REACTION = "reaction"
Reaction = Callable[[Event], None]
BatchReaction = Callable[[Sequence[Event]], None]
_WRITTEN = [f for f in Event._meta.concrete_fields if f.attname not in ("id", "xid", "data")]
_COLUMNS = tuple(field.attname for field in _WRITTEN)
# Without their lengths: a cast to one cuts off without a word.
_TYPES = {f.attname: str(f.db_type(connection)).partition("(")[0] for f in _WRITTEN}
_INSERT = f"""
    WITH note AS ({work.SIGNAL_SQL})
    INSERT INTO events_event ({", ".join(_COLUMNS)}, data)
    VALUES ({", ".join(["%s"] * len(_COLUMNS))}, %s) RETURNING id, xid
"""  # nosec B608 - names of columns
# What each of many has of its own; the rest is told once.
_SALTED = ("actor_salt", "salt", "digest", "stamp")
_OWN = ("uuid", "subject_type", "subject_id", "subject_label", *_SALTED)
_SHARED = tuple(name for name in _COLUMNS if name not in _OWN)
_INSERT_MANY = f"""
    WITH note AS ({work.SIGNAL_SQL})
    INSERT INTO events_event ({", ".join((*_SHARED, *_OWN))}, data)
    SELECT {", ".join([f"%s::{_TYPES[name]}" for name in _SHARED])}, {", ".join(_OWN)}, data
    FROM unnest({", ".join([f"%s::{_TYPES[name]}[]" for name in _OWN])}, %s::jsonb[])
        WITH ORDINALITY AS one({", ".join(_OWN)}, data, place)
    ORDER BY place
"""  # nosec B608 - names of columns and their types
_reactions: dict[str, list[Reaction]] = {}
_batch_reactions: list[BatchReaction] = []


def record(
    type: str,
    *,
    actor: Actor,
    subject: Subject | models.Model,
    data: Mapping[str, Any] | None = None,
    uuid: UUID | None = None,
) -> Event:
    """Write an event in the caller's transaction, which must also hold the change it tells of."""
    connection.validate_no_broken_transaction()
    event = _event(type, actor)
    _tell(event, subject, data or {}, uuid or event.uuid, stamp_of)
    _insert(event)
    return event


def record_many(
    type: str,
    told: Iterable[tuple[Subject | models.Model, Mapping[str, Any]]],
    *,
    actor: Actor,
) -> None:
    """Write one event for each subject with its data, in their order and in one statement.

    For what changes many rows at once: each row's own readers hear of it too. All are of one time.
    """
    connection.validate_no_broken_transaction()
    # Told of each in turn: to make a model for each takes as long as all the rest.
    event, stamp, rows = _event(type, actor), stamper(), []
    for subject, data in told:
        _tell(event, subject, data, uuid4(), stamp)
        rows.append((*[getattr(event, name) for name in _OWN], json.dumps(event.data)))
    if rows:
        shared = [getattr(event, name) for name in _SHARED]
        own = [list(column) for column in zip(*rows, strict=True)]
        with connection.cursor() as cursor:
            cursor.execute(_INSERT_MANY, [current_schema(), SIGNAL, *shared, *own])


def _event(type: str, actor: Actor) -> Event:
    """An event of now that is about nothing yet."""
    return Event(
        at=timezone.now(),
        type=type,
        actor_kind=actor.kind,
        actor_id=actor.id,
        actor_label=actor.label,
        ip=current_ip(),
    )


def _tell(
    event: Event,
    subject: Subject | models.Model,
    data: Mapping[str, Any],
    uuid: UUID,
    stamp: Callable[[str], str],
) -> None:
    """Let it be about something, with salts of its own, digested and stamped."""
    about = subject if isinstance(subject, Subject) else subject_of(subject)
    event.uuid = uuid
    event.actor_salt, event.salt = secrets.token_hex(16), secrets.token_hex(16)
    event.subject_type, event.subject_id = about.type, about.id
    event.subject_label = about.label
    event.data = as_read(dict(data))
    event.digest = event_digest(event)
    event.stamp = stamp(event.digest)


def _insert(event: Event) -> None:
    """Write it with its note to the clock, in one statement: each round trip costs as much."""
    values = [getattr(event, name) for name in _COLUMNS]
    given = [current_schema(), SIGNAL, *values, json.dumps(event.data)]
    event.pk, event.xid = fetch_prepared(_INSERT, given)
    event._state.adding, event._state.db = False, connection.alias


def reacts_to(*types: str) -> Callable[[Reaction], Reaction]:
    """Register what an app does when an event comes; it runs in the event's own schema.

    A reaction writes to the database only (and starts operations): it stands in one transaction
    with the reader's position, so it happens once.
    """

    def register(reaction: Reaction) -> Reaction:
        for name in types:
            _reactions.setdefault(name, []).append(reaction)
        return reaction

    return register


def reacts_to_batches(reaction: BatchReaction) -> BatchReaction:
    """Register a reaction to all events, shown as many at once as are passed in one transaction.

    What it raises holds its schema back, so it must not fail for what one event says.
    """
    _batch_reactions.append(reaction)
    return reaction


def dispatch(limit: int = 200) -> int:
    """Show sealed events to their reactions, in order; returns how many were passed.

    A reaction that raises is rolled back and holds the later events of its schema back, until it
    has failed PATIENCE times; then it is left out, and stands on the operator's list of work.
    """
    with transaction.atomic():
        Cursor.objects.get_or_create(name="reactions")
        cursor = Cursor.objects.select_for_update().get(name="reactions")
        before, passed = cursor.seal_no, []
        for event in Event.objects.filter(seal_no__gt=before).order_by("seal_no")[:limit]:
            if not _show(event, cursor):
                break
            cursor.seal_no, cursor.failures = event.seal_no or before, 0
            passed.append(event)
        for reaction in _batch_reactions if passed else ():
            reaction(passed)
        cursor.save(update_fields=["seal_no", "failures"])
    return cursor.seal_no - before


def has_unread() -> bool:
    """Whether sealed events of the current schema wait for their reactions."""
    read = Cursor.objects.filter(name="reactions").values_list("seal_no", flat=True).first()
    return Event.objects.filter(seal_no__gt=read or 0).exists()


def _reactions_to(event: Event) -> list[Reaction]:
    return _reactions.get(event.type, [])


def _show(event: Event, cursor: Cursor) -> bool:
    """Run an event's reactions, all or none; False when they shall be tried again."""
    try:
        with transaction.atomic():
            for reaction in _reactions_to(event):
                reaction(event)
    except Exception:
        if not connection.is_usable():
            raise
        log.exception("reaction_failed", event_id=str(event.uuid), event_type=event.type)
        cursor.failures += 1
        if cursor.failures < PATIENCE:
            return False
        _leave_out_failing(event)
    return True


def _leave_out_failing(event: Event) -> None:
    """Run each reaction alone, so that those which work are not lost with the one that fails."""
    for reaction in _reactions_to(event):
        try:
            with transaction.atomic():
                reaction(event)
        except Exception as error:
            name = f"{reaction.__module__}.{reaction.__qualname__}"
            kind = type(error).__name__
            work.note_failure(
                FAILED_REACTION,
                f"{event.uuid}",
                title=words(gettext_noop("Reaction to {event}"), event=event),
                reason=words(
                    gettext_noop("{name} raised {kind} {times} times; the log has it under {id}."),
                    name=name,
                    kind=kind,
                    times=PATIENCE,
                    id=event.uuid,
                ),
            )
