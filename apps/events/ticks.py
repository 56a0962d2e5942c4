"""The clock's part: seal and show what happened, in each schema with news."""

import structlog
from django.db import connection

from apps.events import services
from apps.events.sealing import seal
from apps.tenancy.kinds import schema_exists, schema_of
from apps.work import services as work
from apps.work.registry import every

log = structlog.get_logger(__name__)
# Batches of one schema before the others have their turn.
_BATCHES = 20


@every(0.25, "events.pump")
def _pump() -> None:
    for schema, notes in work.signals(services.SIGNAL).items():
        if _pump_one(schema):
            work.forget_signals(notes)


def _seal_much() -> bool:
    """Seal batch after batch, not for too long at once; whether some are left."""
    for _turn in range(_BATCHES):
        sealed, more = seal()
        if not (sealed and more):
            return more
    return True


def _pump_one(schema: str) -> bool:
    """Whether nothing is left for later; until then the notes stay, also when the clock dies."""
    try:
        if not schema_exists(schema):
            return True
        with schema_of(schema):
            more = _seal_much()
            while services.dispatch():
                pass
            return not (more or services.has_unread())
    except Exception:
        if not connection.is_usable():
            raise
        log.exception("event_pump_failed", schema=schema)
        return False
