"""What higher apps do when an organisation is erased."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from django.db import models

from apps.events.actors import Actor
from apps.tenants.erasing.traces import Traces
from apps.tenants.models import Organisation


@dataclass
class Removal:
    """How far the instances of a console are removed."""

    # Operations that were begun for it, by uuid, those of before included.
    begun: list[str] = field(default_factory=list)
    # What it waits for, and what failed, in words; both empty once nothing is left.
    waits_for: str = ""
    failed: str = ""
    # How much went: "containers", "networks", "volumes", "instances".
    counts: dict[str, int] = field(default_factory=dict)
    # What nobody saw go, since its server is lost (dotmac.crypto.contracts.Unproven, as JSON).
    unproven: list[dict[str, Any]] = field(default_factory=list)


@dataclass(frozen=True)
class Settled:
    """What became of those who were charged: invoices and payments that stay, and what went."""

    kept: int = 0
    # By table.
    gone: dict[str, int] = field(default_factory=dict)


Remover = Callable[[list[str], Actor], Removal]
Listing = Callable[[], list[UUID]]
Settler = Callable[[Traces, str], "Settled"]
Leaver = Callable[[Organisation], dict[str, int]]
_removers: list[Remover] = []
_listings: list[Listing] = []
_leavers: list[Leaver] = []
_mentions: list[type[models.Model]] = []
_settlers: list[Settler] = []
_books: set[str] = set()


def removes_instances(remover: Remover, listing: Listing) -> None:
    """Register who removes what runs for an organisation, and who knows the ids of it.

    Both are called in its console. The first gets the operations that were begun before, starts
    what is missing and writes to the database only.
    """
    _removers[:], _listings[:] = [remover], [listing]


def remove_instances(begun: list[str], actor: Actor) -> Removal:
    """Ask whoever is registered; nothing to do where nobody is."""
    return _removers[0](begun, actor) if _removers else Removal()


def instances_here() -> list[UUID]:
    """The ids of all instances of a console."""
    return _listings[0]() if _listings else []


def when_organisation_goes(leaver: Leaver) -> Leaver:
    """Register rows of `public` that go with an organisation, called just before its row does.

    Returns how many went, by table.
    """
    if leaver not in _leavers:
        _leavers.append(leaver)
    return leaver


def mentions(model: type[models.Model]) -> None:
    """Register rows of `public` that go when they name an organisation that is erased."""
    if model not in _mentions:
        _mentions.append(model)


def mentioning() -> tuple[type[models.Model], ...]:
    """Those models."""
    return tuple(_mentions)


def keeps_books(*tables: str) -> Callable[[Settler], Settler]:
    """Register who settles accounts: what law demands stays in these tables, the rest goes.

    Called with a pattern of what names the organisation, before its row goes and once more when
    its people are gone; each invoice is to be counted in one of the calls.
    """

    def keep(settler: Settler) -> Settler:
        if settler not in _settlers:
            _settlers.append(settler)
            _books.update(tables)
        return settler

    return keep


def settle_books(traces: Traces, pattern: str) -> Settled:
    """Ask all of them, and add up."""
    kept = 0
    gone: dict[str, int] = {}
    for settler in _settlers:
        one = settler(traces, pattern)
        kept += one.kept
        _add(gone, one.gone)
    return Settled(kept, gone)


def books() -> frozenset[str]:
    """Tables in which an organisation may stay named, since law demands it."""
    return frozenset(_books)


def organisation_goes(organisation: Organisation) -> dict[str, int]:
    """Call all of them, and add up."""
    found: dict[str, int] = {}
    for leaver in _leavers:
        _add(found, leaver(organisation))
    return found


def _add(found: dict[str, int], more: dict[str, int]) -> None:
    for table, count in more.items():
        found[table] = found.get(table, 0) + count
