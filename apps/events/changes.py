"""What an event changed: each value after it, and the one that the log knew before."""

import json
from dataclasses import dataclass
from typing import Any

from apps.events.models import Event

# So far back a value before is looked for.
_BEFORE = 200


@dataclass(frozen=True)
class Change:
    """A named value before and after; None before when the log does not know it."""

    name: str
    before: str | None
    after: str

    @property
    def is_change(self) -> bool:
        """Whether it was another value before."""
        return self.before is not None and self.before != self.after


def changes_of(event: Event) -> list[Change]:
    """The event's values in order, with what earlier events of the same subject said."""
    before = _known_before(event) if event.data else {}
    return [
        Change(name, _shown(before[name]) if name in before else None, _shown(value))
        for name, value in event.data.items()
    ]


def _known_before(event: Event) -> dict[str, Any]:
    """The newest earlier value of each name that the event has."""
    earlier = Event.objects.filter(
        subject_type=event.subject_type, subject_id=event.subject_id, id__lt=event.pk
    )
    known: dict[str, Any] = {}
    for data in earlier.order_by("-id").values_list("data", flat=True)[:_BEFORE]:
        known = {**{name: value for name, value in data.items() if name in event.data}, **known}
        if len(known) == len(event.data):
            break
    return known


def _shown(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
