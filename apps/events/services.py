"""Writing events, and reading them in an order that never changes."""

import hashlib
import json
import secrets
from collections.abc import Callable, Mapping
from typing import Any

from django.db import connection, models, transaction
from django.utils import timezone

from apps.events.actors import Actor, Subject, subject_of
from apps.events.models import Cursor, Event
from apps.work import services as work

SIGNAL = "events"
Reaction = Callable[[Event], None]
_reactions: dict[str, list[Reaction]] = {}


def record(
    type: str,  # noqa: A002 - the field's name in every event format
    *,
    actor: Actor,
    subject: Subject | models.Model,
    data: Mapping[str, Any] | None = None,
) -> Event:
    """Write an event in the caller's transaction, which must also hold the change it tells of."""
    connection.validate_no_broken_transaction()
    about = subject if isinstance(subject, Subject) else subject_of(subject)
    event = Event(
        at=timezone.now(),
        type=type,
        actor_kind=actor.kind,
        actor_id=actor.id,
        actor_label=actor.label,
        subject_type=about.type,
        subject_id=about.id,
        subject_label=about.label,
        data=dict(data or {}),
        salt=secrets.token_hex(16),
    )
    event.digest = content_digest(event)
    with transaction.atomic():
        event.save(force_insert=True)
        work.signal(SIGNAL)
    return event


def content_digest(event: Event) -> str:
    """SHA-256 over the salt and the canonical content, in hex."""
    content = [
        event.salt,
        str(event.uuid),
        event.at.isoformat(),
        event.type,
        [event.actor_kind, event.actor_id, event.actor_label],
        [event.subject_type, event.subject_id, event.subject_label],
        event.data,
    ]
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), default=str)
    return hashlib.sha256(text.encode()).hexdigest()


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


def dispatch(limit: int = 200) -> int:
    """Show sealed events to their reactions, in order; returns how many were read."""
    with transaction.atomic():
        Cursor.objects.get_or_create(name="reactions")
        cursor = Cursor.objects.select_for_update().get(name="reactions")
        events = list(Event.objects.filter(seal_no__gt=cursor.seal_no).order_by("seal_no")[:limit])
        for event in events:
            for reaction in _reactions.get(event.type, []):
                reaction(event)
        if events:
            Cursor.objects.filter(pk=cursor.pk).update(seal_no=events[-1].seal_no)
    return len(events)
