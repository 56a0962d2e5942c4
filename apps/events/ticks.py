"""The clock's part: seal and show what happened, in each schema with news."""

import structlog

from apps.events import services
from apps.events.sealing import seal
from apps.tenancy.kinds import schema_of
from apps.work import services as work
from apps.work.registry import every

log = structlog.get_logger(__name__)


@every(0.5, "events.pump")
def _pump() -> None:
    for schema in work.take_signals(services.SIGNAL):
        with schema_of(schema):
            _pump_one(schema)


def _pump_one(schema: str) -> None:
    try:
        _sealed, more = seal()
        while services.dispatch():
            pass
    except Exception:
        log.exception("event_pump_failed", schema=schema)
        more = True
    if more:
        work.signal(services.SIGNAL)
