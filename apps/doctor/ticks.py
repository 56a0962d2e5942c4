"""What the clock does for the doctor: some checks every few minutes, all of them daily."""

import time

import structlog

from apps.core.exceptions import ConflictError
from apps.doctor import services
from apps.doctor.looking import chosen, look_at
from apps.events.actors import SYSTEM
from apps.fleet.background import Background
from apps.work.registry import every

log = structlog.get_logger(__name__)
_BEGAN = time.monotonic()
# Everything of a platform starts together: what is not up yet would be called a fault, and told.
SETTLES_S = 60.0


def look_soon() -> int:
    """Look at what matters at once; returns at how many things. Not in the clock's own thread:
    an edge that hangs must not hold up what wakes and reaps.
    """
    results = list(look_at(chosen(services.due_soon())) if services.due_soon() else ())
    for result in results:
        services.keep(result)
    return len(results)


_looking = Background("doctor.soon", look_soon)


@every(30, "doctor.soon")
def _soon() -> bool:
    return is_settled() and _looking.start()


def is_settled() -> bool:
    """Whether this clock has run for so long that what is still away is away."""
    return time.monotonic() - _BEGAN >= SETTLES_S


@every(300, "doctor.daily")
def _daily() -> None:
    if is_settled() and services.is_checkup_due():
        try:
            services.start_checkup(actor=SYSTEM)
        except ConflictError:
            log.info("checkup_under_way")
