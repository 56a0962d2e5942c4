"""Forking the children of one container, restarting those that die, and ending them all."""

import gc
import os
import signal
import sys
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path

import structlog
from django.db import connections

from dotmac.telemetry import process, tracing

log = structlog.get_logger(__name__)
# A child that ends with this cannot run at all: the container ends with the reason in its log.
FATAL = 78
# A child signals its parent with this once it serves.
READY = signal.SIGUSR1
CRASHES, WITHIN_S = 5, 60.0
# Before a child is started again; doubled with each crash of the last minute.
PAUSE_S = 0.1
STOP_S = 8.0
_HEARD = {signal.SIGTERM, signal.SIGINT, signal.SIGCHLD, READY}


@dataclass
class Child:
    """One process: `module` is imported after the fork and its `main()` called."""

    name: str
    module: str
    pid: int = 0
    crashes: deque[float] = field(default_factory=lambda: deque(maxlen=CRASHES))


class Crew:
    """The children of a container. The first serves; the others are started once it does.

    So the first answer does not wait for them.
    """

    def __init__(self, children: Sequence[Child]) -> None:
        self.children = children
        self.is_ready = False

    def run(self) -> int:
        """Start, watch and end the children; returns the exit code of the container."""
        signal.pthread_sigmask(signal.SIG_BLOCK, _HEARD)
        # What was loaded so far is never collected: that would write to pages that all share.
        gc.freeze()
        self._start(self.children[0])
        while True:
            heard = signal.sigwait(_HEARD)
            if heard in (signal.SIGTERM, signal.SIGINT):
                return self._end(0)
            if heard == READY and not self.is_ready:
                self.is_ready = True
                self._start_missing()
            elif heard == signal.SIGCHLD and not self._reap():
                return self._end(1)

    def _start_missing(self) -> None:
        for child in self.children:
            if not child.pid:
                self._start(child)

    def _start(self, child: Child) -> None:
        connections.close_all()
        child.pid = os.fork()
        if not child.pid:
            _become(child)

    def _reap(self) -> bool:
        """Collect what ended and start it anew; False when the container cannot go on."""
        for pid, status in _ended():
            child = next((one for one in self.children if one.pid == pid), None)
            if child is None:
                continue
            _kill_group(pid)
            code = os.waitstatus_to_exitcode(status)
            child.pid = 0
            if not _may_restart(child, code):
                return False
            time.sleep(_pause_s(child))
            self._start(child)
        return True

    def _end(self, code: int) -> int:
        alive = [child.pid for child in self.children if child.pid]
        for pid in alive:
            os.kill(pid, signal.SIGTERM)
        limit = time.monotonic() + STOP_S
        while alive and time.monotonic() < limit:
            signal.sigtimedwait({signal.SIGCHLD}, 0.1)
            gone = dict(_ended())
            alive = [pid for pid in alive if pid not in gone]
        for pid in alive:
            log.warning("killed_at_the_end", pid=pid)
            _kill_group(pid)
        return code


def _become(child: Child) -> None:
    """The life of a child, from the fork to its end."""
    code = 1
    try:
        # A group of its own, so that what it forked ends with it.
        os.setpgid(0, 0)
        process.become(child.name)
        Path("/proc/self/comm").write_text(child.name)
        for number in _HEARD:
            signal.signal(number, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _HEARD)
        gc.enable()
        code = import_module(child.module).main()
    except SystemExit as leave:
        code = leave.code if isinstance(leave.code, int) else int(leave.code is not None)
    except BaseException:
        log.exception("child_failed", child=child.name)
    finally:
        tracing.finish()
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def _may_restart(child: Child, code: int) -> bool:
    child.crashes.append(time.monotonic())
    log.error("child_ended", child=child.name, exit_code=code)
    if code == FATAL:
        return False
    full = len(child.crashes) == CRASHES
    if full and child.crashes[-1] - child.crashes[0] < WITHIN_S:
        log.error("child_keeps_crashing", child=child.name, times=CRASHES, within_s=WITHIN_S)
        return False
    return True


def _pause_s(child: Child) -> float:
    recent = [at for at in child.crashes if at > time.monotonic() - WITHIN_S]
    return float(PAUSE_S * 2 ** (len(recent) - 1))


def _ended() -> list[tuple[int, int]]:
    """The children, own and adopted, that ended since the last call."""
    found: list[tuple[int, int]] = []
    while True:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return found
        if not pid:
            return found
        found.append((pid, status))


def _kill_group(pid: int) -> None:
    try:
        os.killpg(pid, signal.SIGKILL)
    except ProcessLookupError:
        return
