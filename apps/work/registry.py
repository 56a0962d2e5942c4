"""Who runs which kind of work, what the clock does, and which rows are past their time."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.db.models import QuerySet
from django.utils.functional import Promise

from apps.work.leases import Lease

Runner = Callable[[Lease], None]
Tick = Callable[[], object]
Rows = Callable[[], QuerySet[Any]]


@dataclass(frozen=True)
class Beat:
    """Something the clock does every so many seconds."""

    name: str
    every_s: float
    run: Tick


_runners: dict[str, Runner] = {}
_beats: dict[str, Beat] = {}
_past: list[Rows] = []
_travelling: set[str] = set()
_cleaners: list[Callable[[], object]] = []


def runs(kind: str) -> Callable[[Runner], Runner]:
    """Register the function that runs a kind of work, in the work's own schema."""

    def register(runner: Runner) -> Runner:
        _runners[kind] = runner
        return runner

    return register


def runner_of(kind: str) -> Runner:
    """The registered function; KeyError for a kind that nobody runs."""
    return _runners[kind]


def kinds() -> list[str]:
    """All kinds of work that somebody runs."""
    return sorted(_runners)


def travels(kind: str) -> None:
    """Register a kind of work that goes on where its schema is imported (ADR 023).

    Only what concerns the rows of the schema itself: what reaches out would do so twice.
    """
    _travelling.add(kind)


def travelling() -> list[str]:
    """Those kinds."""
    return sorted(_travelling)


def every(seconds: float, name: str) -> Callable[[Tick], Tick]:
    """Register what the clock calls in the operator's schema every so many seconds."""

    def register(tick: Tick) -> Tick:
        _beats[name] = Beat(name, seconds, tick)
        return tick

    return register


def beats() -> list[Beat]:
    """All that the clock does."""
    return list(_beats.values())


def forgets(rows: Rows) -> Rows:
    """Register rows that are past their time; once a day they go, in every schema that has some.

    No model may be in the way of their deletion.
    """
    _past.append(rows)
    return rows


def cleans(clean: Callable[[], object]) -> Callable[[], object]:
    """Register what is done once a day beside the rows, in every schema: files past their time."""
    _cleaners.append(clean)
    return clean


def cleaners() -> list[Callable[[], object]]:
    """All of those."""
    return list(_cleaners)


def past_rows() -> list[QuerySet[Any]]:
    """All that is past its time now, model by model."""
    return [rows() for rows in _past]


@dataclass(frozen=True)
class Detail:
    """How a kind of work is shown to the operator, and steered; called in the work's schema.

    `steer` gets the subject, "cancel" or "retry", and the user; it returns why it could not.
    """

    context: Callable[[str], dict[str, Any]]
    steer: Callable[[str, str, Any], str]
    # How many failed, in words with %(count)s, where they are one line of what needs a person:
    # nobody looks at hundreds of the same.
    together: str | Promise = ""


@dataclass(frozen=True)
class Failure:
    """A piece of work that ended as failed."""

    schema: str
    kind: str
    subject: str
    title: str
    reason: str


Witness = Callable[[Failure], None]
_witnesses: list[Witness] = []


def when_failed(witness: Witness) -> Witness:
    """Register what is done about failures, in their transaction: it writes to the database only.

    It is called in whatever schema the work belongs to.
    """
    _witnesses.append(witness)
    return witness


def failed(failure: Failure) -> None:
    """Tell those who registered."""
    for witness in _witnesses:
        witness(failure)


_details: dict[str, Detail] = {}


def shows(kind: str, detail: Detail) -> None:
    """Register how a kind of work is shown."""
    _details[kind] = detail


def told_together() -> dict[str, str | Promise]:
    """The kinds whose failures are counted instead of listed, with their words."""
    return {kind: one.together for kind, one in _details.items() if one.together}


def detail_of(kind: str) -> Detail:
    """How a kind is shown; KeyError for one that has no detail."""
    return _details[kind]
