"""What is held of people: each app tells it of its own rows, to be given out and erased.

A test finds every model that points at a person and is not told of here (ADR 024).
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from django.apps import apps
from django.db.models import Model, QuerySet
from django.utils.functional import Promise

USER, SUBSCRIBER = "user", "subscriber"
Rows = Callable[[Any, QuerySet[Any]], QuerySet[Any]]


@dataclass(frozen=True)
class Holding:
    """Rows of one model that are about a person."""

    of: str
    label: str
    rows: Rows
    # Columns that nobody is given: secrets, and what says nothing to anybody.
    hidden: frozenset[str] = frozenset()
    # What is written into rows that stay, and why they do; rows without a reason are deleted.
    blank: Mapping[str, Any] = field(default_factory=dict)
    stays: str | Promise = ""
    # What people call these rows, where their model has no words for it.
    title: str | Promise = ""

    @property
    def model(self) -> type[Model]:
        """The model."""
        return apps.get_model(self.label)

    def of_person(self, person: Any) -> QuerySet[Any]:
        """The rows that are about somebody, in the current schema."""
        return self.rows(person, self.model._base_manager.all())


_holdings: list[Holding] = []
_nothing: set[str] = set()
_guards: dict[str, list[Callable[[Any], None]]] = {}


def holds(
    label: str,
    *,
    of: str,
    by: str | Rows,
    hidden: tuple[str, ...] = (),
    blank: Mapping[str, Any] | None = None,
    stays: str | Promise = "",
    title: str | Promise = "",
) -> None:
    """Say that a model's rows are about people, found by a lookup of the person or a function."""
    rows = by if callable(by) else _by(by)
    holding = Holding(of, label, rows, frozenset(hidden), dict(blank or {}), stays, title)
    _holdings.append(holding)


def holds_nothing(*labels: str) -> None:
    """Say that models only point at people and tell nothing of them."""
    _nothing.update(label.lower() for label in labels)


def before_erasing(of: str) -> Callable[[Callable[[Any], None]], Callable[[Any], None]]:
    """Register what is done first, or why somebody cannot be erased (DomainError)."""

    def register(guard: Callable[[Any], None]) -> Callable[[Any], None]:
        _guards.setdefault(of, []).append(guard)
        return guard

    return register


def prepare(of: str, person: Any) -> None:
    """Call what is registered."""
    for guard in _guards.get(of, ()):
        guard(person)


def holdings_of(of: str, labels: frozenset[str]) -> Iterator[Holding]:
    """Those of the apps that a schema holds, in the order in which they were told."""
    return (one for one in _holdings if one.of == of and one.model._meta.app_label in labels)


def known_labels() -> frozenset[str]:
    """Every model that is told of, lower case."""
    return frozenset({one.label.lower() for one in _holdings} | _nothing)


def _by(lookup: str) -> Rows:
    return lambda person, rows: rows.filter(**{lookup: person})
