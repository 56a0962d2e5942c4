"""What higher apps do inside a console that is new, or that came from elsewhere."""

from collections.abc import Callable

from apps.billing.services import OfferedPlan
from apps.events.actors import Actor
from apps.tenants.models import Organisation

MadeInConsole = Callable[[Organisation, OfferedPlan], None]
Adopted = Callable[[Organisation, Actor], None]
_callbacks: list[MadeInConsole] = []
_adopting: list[Adopted] = []
_losers: list[Callable[[], bool]] = []


def when_console_is_made(callback: MadeInConsole) -> MadeInConsole:
    """Register what happens in every new console; it writes to the database only."""
    if callback not in _callbacks:
        _callbacks.append(callback)
    return callback


def console_is_made(organisation: Organisation, plan: OfferedPlan) -> None:
    """Call what is registered, inside the console's schema."""
    for callback in _callbacks:
        callback(organisation, plan)


def when_console_is_adopted(callback: Adopted) -> Adopted:
    """Register what happens in a console whose tenants came from elsewhere; database only."""
    if callback not in _adopting:
        _adopting.append(callback)
    return callback


def console_is_adopted(organisation: Organisation, actor: Actor) -> None:
    """Call what is registered, inside the console's schema."""
    for callback in _adopting:
        callback(organisation, actor)


def knows_lost_workspaces(asked: Callable[[], bool]) -> Callable[[], bool]:
    """Register who knows whether a console's dedicated workspace is lost with its server."""
    _losers[:] = [asked]
    return asked


def is_workspace_lost() -> bool:
    """Ask, inside the console's schema; False where nobody knows."""
    return any(asked() for asked in _losers)
