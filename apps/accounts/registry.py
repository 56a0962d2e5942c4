"""What higher apps do when somebody may do less or is signed out, and who they say belongs here."""

from collections.abc import Callable
from datetime import datetime
from uuid import UUID

from apps.accounts.models import User
from apps.events.actors import Actor

Shrunk = Callable[[User, Actor], None]
SignedOut = Callable[[User, Actor], None]
Belongs = Callable[[UUID, datetime], bool]
_callbacks: list[Shrunk] = []
_sign_outs: list[SignedOut] = []
_belonging: list[Belongs] = []


def when_rights_shrink(callback: Shrunk) -> Shrunk:
    """Register what happens in the person's own schema; it writes to the database only."""
    if callback not in _callbacks:
        _callbacks.append(callback)
    return callback


def rights_shrank(user: User, actor: Actor) -> None:
    """Call what is registered, after a person was switched off or has another role."""
    for callback in _callbacks:
        callback(user, actor)


def when_signed_out(callback: SignedOut) -> SignedOut:
    """Register what happens, in the person's own schema, where their sessions end everywhere."""
    if callback not in _sign_outs:
        _sign_outs.append(callback)
    return callback


def signed_out(user: User, actor: Actor) -> None:
    """Call what is registered, before a person's sessions are ended in their own schema."""
    for callback in _sign_outs:
        callback(user, actor)


def knows_who_belongs(asked: Belongs) -> Belongs:
    """Register who is asked whether an operator-level user may come in with what was said then.

    It is called in the transaction that lets them in, in their schema, and locks what it reads.
    HandOffError where they belong, and have to come anew.
    """
    if asked not in _belonging:
        _belonging.append(asked)
    return asked


def belongs_here(identity: UUID, said_at: datetime) -> bool:
    """Whether nobody knows better than a hand-off that was signed at a moment."""
    return all(asked(identity, said_at) for asked in _belonging)
