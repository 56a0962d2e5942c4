"""What higher apps do when an organisation is erased."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from django.db import models

from apps.events.actors import Actor
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


Remover = Callable[[list[str], Actor], Removal]
Listing = Callable[[], list[UUID]]
Keeper = Callable[[UUID], int]
Leaver = Callable[[Organisation], dict[str, int]]
_removers: list[Remover] = []
_listings: list[Listing] = []
_leavers: list[Leaver] = []
_mentions: list[type[models.Model]] = []
_bookkeepers: list[Keeper] = []


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


def keeps_invoices(keeper: Keeper) -> Keeper:
    """Register who says how many invoices and payments of an organisation stay, by its uuid."""
    if keeper not in _bookkeepers:
        _bookkeepers.append(keeper)
    return keeper


def invoices_kept(organisation: UUID) -> int:
    """Ask all of them; to be called while the organisation is there."""
    return sum(keeper(organisation) for keeper in _bookkeepers)


def organisation_goes(organisation: Organisation) -> dict[str, int]:
    """Call all of them, and add up."""
    found: dict[str, int] = {}
    for leaver in _leavers:
        for table, count in leaver(organisation).items():
            found[table] = found.get(table, 0) + count
    return found
