"""What an event changed: each value after it, and the one before, as it or the log knows it."""

from dataclasses import dataclass
from typing import Any

from apps.events.differences import told_by
from apps.events.models import Event
from apps.portal.diffs import Line, diff, said

# So far back a value before is looked for.
_BEFORE = 200
_UNKNOWN = object()


@dataclass(frozen=True)
class Change:
    """A named value of an event; `lines` tell it apart from the one before, where that is known."""

    name: str
    after: str
    is_known: bool
    lines: list[Line]

    @property
    def is_change(self) -> bool:
        """Whether it was another value before."""
        return bool(self.lines)


def changes_of(event: Event) -> list[Change]:
    """What the event tells of both, then its other values with what earlier ones said of them."""
    told, rest = told_by(event.data)
    known = _known_before(event, rest) if rest else {}
    return [
        *(_change(name, *pair) for name, pair in told.items()),
        *(_change(name, known.get(name, _UNKNOWN), value) for name, value in rest.items()),
    ]


def _change(name: str, before: Any, after: Any) -> Change:
    is_known = before is not _UNKNOWN
    lines = diff(before, after) if is_known and before != after else []
    return Change(name, said(after), is_known, lines)


def _known_before(event: Event, rest: dict[str, Any]) -> dict[str, Any]:
    """The newest earlier value of each name, of events about the same subject."""
    earlier = Event.objects.filter(
        subject_type=event.subject_type, subject_id=event.subject_id, id__lt=event.pk
    )
    known: dict[str, Any] = {}
    for data in earlier.order_by("-id").values_list("data", flat=True)[:_BEFORE]:
        known = {**{name: value for name, value in data.items() if name in rest}, **known}
        if len(known) == len(rest):
            break
    return known
