"""Who ends a support visit in all the schemas it reaches into: the platform, where there is one."""

from collections.abc import Callable
from uuid import UUID

from apps.events.actors import Actor

EndEverywhere = Callable[[UUID, Actor], None]
_callbacks: list[EndEverywhere] = []


def ends_visits(callback: EndEverywhere) -> EndEverywhere:
    """Register who ends a visit, by its uuid, everywhere."""
    _callbacks[:] = [callback]
    return callback


def end_everywhere(visit: UUID, actor: Actor) -> bool:
    """Have it ended everywhere; False where nobody knows of other schemas."""
    for callback in _callbacks:
        callback(visit, actor)
    return bool(_callbacks)
