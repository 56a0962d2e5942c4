"""Kinds of people whose data are given out and erased, and the long work that does it.

Each app tells of its kind in `hooks`; what makes operations lies above and registers itself.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, BinaryIO, Protocol

from django.db.models import Model
from rest_framework.response import Response

from apps.core.exceptions import NotFoundError
from apps.events.actors import Actor

# Called with how many of how many kinds of rows are done.
Told = Callable[[int, int], None]


def untold(_done: int, _of_all: int) -> None:
    """Nobody watches."""


@dataclass(frozen=True)
class PersonKind:
    """One kind of person.

    `close` lets them do nothing more, raises ConflictError where they cannot be erased now, and
    may be called again. `words` are those by which the log knows them, `label` what may name them
    for ever, `erased` records that they are gone. `whole` gives all that one person is, as pairs
    of kind and row: a subscriber may have a log-in.
    """

    of: str
    model: type[Model]
    permission: str
    # The name of the admin's address of their file.
    file_page: str
    close: Callable[[Any, Actor], None]
    words: Callable[[Any], list[str]]
    label: Callable[[Any], str]
    data: Callable[[Any, Told], dict[str, Any]]
    erased: Callable[..., None]
    whole: Callable[[Any], list[tuple[str, Any]]]

    def find(self, uuid: str) -> Any:
        """The person in the current schema; None once they are gone."""
        return self.model._base_manager.filter(uuid=uuid).first()


class LongWork(Protocol):
    """What makes operations of it."""

    def export(self, of: str, person: Any, *, actor: Actor) -> Any:
        """Start writing their file; BusyError while something is done with them."""

    def erase(self, of: str, person: Any, *, actor: Actor) -> Any:
        """Close them at once and start erasing them; ConflictError where that cannot be."""

    def open_file(self, of: str, person: Any, *, actor: Actor) -> BinaryIO:
        """The newest file, which is told in the log; NotFoundError where there is none."""

    def accepted(self, begun: Any) -> Response:
        """What answers a program that began it."""

    def progress(self, of: str, person: Any) -> dict[str, Any]:
        """How the newest export of somebody goes, for operations/_stepper.html; or nothing."""


_kinds: dict[str, PersonKind] = {}
_work: list[LongWork] = []


def is_kind(kind: PersonKind) -> PersonKind:
    """Register a kind of person."""
    _kinds[kind.of] = kind
    return kind


def kind_of_person(of: str) -> PersonKind:
    """NotFoundError for a kind that no app of this release knows."""
    if of not in _kinds:
        raise NotFoundError(of)
    return _kinds[of]


def does_long_work(work: LongWork) -> None:
    """Register what makes operations."""
    _work[:] = [work]


def long_work() -> LongWork:
    """What makes operations."""
    return _work[0]
