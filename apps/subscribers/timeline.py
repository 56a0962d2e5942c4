"""What happened, in a line each."""

from typing import Any

from django.db.models import Q
from django.utils.translation import gettext as _

from apps.events.models import Event
from apps.subscribers.models import Service, Subscriber

_BAD = ("failed", "suspended", "terminated")


def event_row(event: Event) -> dict[str, Any]:
    """An event as timelines show it."""
    words = _(event.type.replace(".", " ").replace("_", " "))
    return {
        "text": f"{event.subject_label or event.subject_type}: {words}",
        "at": event.at,
        "actor": event.actor_label,
        "tone": "bad" if event.type.endswith(_BAD) else "idle",
    }


def timeline_of(person: Subscriber, services: list[Service]) -> list[dict[str, Any]]:
    """The newest events of a subscriber and of their services."""
    of_person = Q(subject_type="subscriber", subject_id=str(person.uuid))
    of_services = Q(subject_type="service", subject_id__in=[str(s.uuid) for s in services])
    rows = [event_row(event) for event in Event.objects.filter(of_person | of_services)[:20]]
    if person.source_import is None:
        return rows
    # An import tells of its rows together, so that each has no event of its own.
    text = _("Imported from %(file)s") % {"file": person.source_import.filename}
    return [*rows, {"text": text, "at": person.source_import.created_at, "actor": ""}]
