"""What higher apps do inside a new console, in the transaction that makes it."""

from collections.abc import Callable

from apps.billing.services import OfferedPlan
from apps.tenants.models import Organisation

MadeInConsole = Callable[[Organisation, OfferedPlan], None]
_callbacks: list[MadeInConsole] = []


def when_console_is_made(callback: MadeInConsole) -> MadeInConsole:
    """Register what happens in every new console; it writes to the database only."""
    if callback not in _callbacks:
        _callbacks.append(callback)
    return callback


def console_is_made(organisation: Organisation, plan: OfferedPlan) -> None:
    """Call what is registered, inside the console's schema."""
    for callback in _callbacks:
        callback(organisation, plan)
