"""An event as programs see it: the same over the API, in webhooks and in exports."""

from typing import Any

from apps.events.models import Event


def envelope(event: Event) -> dict[str, Any]:
    """The envelope of an event. From where it came stays inside: it says who works where."""
    return {
        "id": str(event.uuid),
        "type": event.type,
        "timestamp": event.at.isoformat().replace("+00:00", "Z"),
        "sequence": event.seal_no,
        "actor": {"type": event.actor_kind, "id": event.actor_id, "label": event.actor_label},
        "subject": {
            "type": event.subject_type,
            "id": event.subject_id,
            "label": event.subject_label,
        },
        "data": event.data,
    }
