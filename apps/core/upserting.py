"""Many rows of another system at once: which of ours each means, and what became of it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _

MOST_ROWS = 1000
CREATED, UPDATED, UNCHANGED, ERROR = RESULTS = ("created", "updated", "unchanged", "error")
# What is kept in small letters.
_FOLDED = {"address", "email"}
Values = Mapping[str, Any]


@dataclass
class Outcome:
    """What became of a row; `errors` is a list of {"field": …, "message": …}."""

    result: str = UNCHANGED
    row: Any = None
    errors: list[dict[str, str]] = field(default_factory=list)
    changed: list[str] = field(default_factory=list)
    # What the row held.
    before: dict[str, Any] = field(default_factory=dict)

    def refuse(self, name: str, message: str) -> None:
        """Say what is wrong with a field of the row."""
        self.result = ERROR
        self.errors.append({"field": name, "message": message})


class Known:
    """The rows that a batch may mean by its keys, and what earlier rows of the batch took."""

    def __init__(self, rows: QuerySet[Any], keys: tuple[str, ...], batch: Iterable[Values]) -> None:
        self._keys = keys
        self._by: dict[str, dict[str, Any]] = {key: {} for key in keys}
        self._taken: set[object] = set()
        wanted = Q()
        for key in keys:
            values = {said[key] for values in batch if key in (said := self._said(values))}
            wanted |= Q(**{f"{key}__in": values})
        for row in rows.filter(wanted).order_by("pk"):
            for key in keys:
                self._by[key][getattr(row, key)] = row

    def find(self, values: Values, outcome: Outcome) -> Any:
        """The row that is meant, or None for a new one; the outcome says when it cannot be told."""
        said = self._said(values)
        if not said:
            given = " / ".join(f"“{key}”" for key in self._keys)
            text = _("Give %(keys)s, to tell which one is meant.") % {"keys": given}
            outcome.refuse(self._keys[0], text)
            return None
        found = [self._by[key][value] for key, value in said.items() if value in self._by[key]]
        meant = {row.pk: row for row in found}
        if len(meant) > 1:
            outcome.refuse(self._keys[0], _("What is given belongs to two of them."))
            return None
        if not self._take({*said.items(), *meant}):
            outcome.refuse(self._keys[0], _("An earlier row is about the same one."))
        return next(iter(meant.values()), None)

    def _take(self, marks: set[object]) -> bool:
        if marks & self._taken:
            return False
        self._taken |= marks
        return True

    def _said(self, values: Values) -> dict[str, str]:
        """The keys that a row gives, whatever else it has there."""
        texts = {key: _text(key, values.get(key)) for key in self._keys}
        return {key: text for key, text in texts.items() if text}


def _text(key: str, value: Any) -> str:
    # PostgreSQL compares with no text that has a NUL.
    if not isinstance(value, str) or "\x00" in value:
        return ""
    return value.strip().lower() if key in _FOLDED else value.strip()
