"""What higher apps do when a server is lost."""

from collections.abc import Callable, Collection
from uuid import UUID

from apps.fleet.models import Server

GiveUp = Callable[[Server, Collection[UUID]], None]
_giving_up: list[GiveUp] = []


def when_server_is_lost(giver: GiveUp) -> GiveUp:
    """Register what is done with the instances that a lost server had.

    Called in their schema, within the transaction in which the server is given up.
    """
    if giver not in _giving_up:
        _giving_up.append(giver)
    return giver


def give_up(server: Server, instances: Collection[UUID]) -> None:
    """Call whoever is registered."""
    for giver in _giving_up:
        giver(server, instances)
