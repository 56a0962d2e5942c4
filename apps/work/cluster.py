"""The workers' processes: django-q2's, which end together where one of them is killed.

They share queues whose locks belong to no one process. One that is killed (by a person, or by the
kernel for want of memory) may hold such a lock, and then all others wait for ever, though a new
one is started in its place. So the whole cluster ends, and whoever keeps it starts it anew within
a second or two: what was under way is handed on when its lease runs out.
"""

import os
import time
from multiprocessing.process import BaseProcess
from typing import Any

import structlog
from django_q import cluster as library

from dotmac.telemetry import process

log = structlog.get_logger(__name__)
# Whoever is at work when another is killed has so long to finish.
_FINISHES_S = 10.0
_KILLED = 70


class Sentinel(library.Sentinel):  # type: ignore[misc]
    """Keeps workers, monitor and pusher; ends itself with all of them when one was killed."""

    def reincarnate(self, process: BaseProcess) -> None:
        """Start another in the place of one that ended by itself or took too long."""
        if process.exitcode is None or process.exitcode >= 0 or _took_too_long(process):
            super().reincarnate(process)
            return
        log.error("worker_killed", signal=-process.exitcode, pid=process.pid)
        self._end_all()

    def _end_all(self) -> None:
        end = time.monotonic() + _FINISHES_S
        # First what would bring new work.
        for other in (self.pusher, self.monitor):
            other.kill()
        working = [one for one in self.pool if one.is_alive()]
        while working and time.monotonic() < end:
            for one in [one for one in working if one.timer.value < 0]:
                one.kill()
                working.remove(one)
            time.sleep(0.05)
        for one in working:
            one.kill()
        # Past the handlers of an ordinary end, which would wait for the queues.
        os._exit(_KILLED)


def run() -> int:
    """Work until SIGTERM, or until a process of it is killed; the exit code."""
    cluster = library.Cluster()
    # Comes back when all of its processes are started.
    cluster.start()
    process.say_at_work()
    cluster.sentinel.join()
    return int(cluster.sentinel.exitcode or 0)


def _took_too_long(process: Any) -> bool:
    timer = getattr(process, "timer", None)
    return timer is not None and timer.value == 0


# The library starts its sentinel by this name.
library.Sentinel = Sentinel
