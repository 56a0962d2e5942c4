"""What higher apps do when somebody may do less, in the transaction that takes the right away."""

from collections.abc import Callable

from apps.accounts.models import User
from apps.events.actors import Actor

Shrunk = Callable[[User, Actor], None]
_callbacks: list[Shrunk] = []


def when_rights_shrink(callback: Shrunk) -> Shrunk:
    """Register what happens in the person's own schema; it writes to the database only."""
    if callback not in _callbacks:
        _callbacks.append(callback)
    return callback


def rights_shrank(user: User, actor: Actor) -> None:
    """Call what is registered, after a person was switched off or has another role."""
    for callback in _callbacks:
        callback(user, actor)
