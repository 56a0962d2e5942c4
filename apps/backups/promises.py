"""What higher apps promised of backups: that nothing is in them any more which was deleted."""

from collections.abc import Callable
from datetime import datetime

Promise = Callable[[datetime], datetime | None]
_promises: list[Promise] = []


def promises(promise: Promise) -> Promise:
    """Register one: of what was deleted until the time it returns, nothing may be left at `now`.

    It is called in the operator's schema.
    """
    _promises.append(promise)
    return promise


def promised(now: datetime) -> datetime | None:
    """The latest of them; None where nothing is promised for that time."""
    return max((at for promise in _promises if (at := promise(now))), default=None)
