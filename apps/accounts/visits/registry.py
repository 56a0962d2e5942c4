"""Who knows of support visits in all the schemas they reach into: the platform where it is near."""

from collections.abc import Callable
from dataclasses import dataclass
from uuid import UUID

from apps.events.actors import Actor


@dataclass(frozen=True)
class Knowledge:
    """Whether a visit goes on, and how it is ended everywhere, both by its uuid."""

    goes_on: Callable[[UUID], bool]
    end: Callable[[UUID, Actor], None]


_known: list[Knowledge] = []


def knows_visits(knowledge: Knowledge) -> None:
    """Register who knows; in a workspace's own stack nobody does."""
    _known[:] = [knowledge]


def goes_on(visit: UUID) -> bool:
    """Whether nobody knows that a visit is over."""
    return all(known.goes_on(visit) for known in _known)


def end_everywhere(visit: UUID, actor: Actor) -> bool:
    """Have it ended everywhere; False where nobody knows of other schemas."""
    for known in _known:
        known.end(visit, actor)
    return bool(_known)
