"""Processes told apart from later ones with the same number, read from /proc."""

from __future__ import annotations

import ctypes
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

PROC = Path("/proc")
PR_SET_PDEATHSIG = 1
LISTEN = "0A"


@dataclass(frozen=True)
class Process:
    """A process by number and start time (clock ticks since boot), safe against pid reuse."""

    pid: int
    started: int


def _stat(pid: int) -> list[str] | None:
    """Fields of /proc/<pid>/stat from the state on, or None when there is no such process."""
    try:
        text = (PROC / str(pid) / "stat").read_text()
    except (OSError, UnicodeDecodeError):
        return None
    return text[text.rindex(")") + 2 :].split()


def find(pid: int) -> Process | None:
    """The live process with this number; a zombie counts as dead."""
    fields = _stat(pid)
    if fields is None or fields[0] in "ZX":
        return None
    return Process(pid, int(fields[19]))


def is_alive(process: Process) -> bool:
    return find(process.pid) == process


def all_pids() -> Iterator[int]:
    return (int(entry.name) for entry in PROC.iterdir() if entry.name.isdigit())


def in_session(leader: Process) -> list[Process]:
    """Live processes of the session that this process leads or led, without itself."""
    return [
        one
        for one, fields in _living()
        if int(fields[3]) == leader.pid and one.pid != leader.pid and one.started >= leader.started
    ]


def in_group(group: int, *, session: int) -> list[Process]:
    """Live processes of a process group within a session."""
    return [
        one for one, fields in _living() if int(fields[2]) == group and int(fields[3]) == session
    ]


def _living() -> Iterator[tuple[Process, list[str]]]:
    for pid in all_pids():
        fields = _stat(pid)
        if fields is not None and fields[0] not in "ZX":
            yield Process(pid, int(fields[19])), fields


def send(process: Process, number: signal.Signals) -> None:
    """Signal a process if it is still the same one."""
    if is_alive(process):
        try:
            os.kill(process.pid, number)
        except ProcessLookupError:
            return


def wait_until(condition: Callable[[], bool], seconds: float, interval: float = 0.05) -> bool:
    """Poll until the condition holds; False when the time is over."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(interval)
    return True


def end(process: Process, *, first: signal.Signals = signal.SIGTERM, seconds: float = 10) -> None:
    """End a process: ask, wait, then kill."""
    send(process, first)
    if not wait_until(lambda: not is_alive(process), seconds):
        send(process, signal.SIGKILL)
        wait_until(lambda: not is_alive(process), 5)


def die_with_parent(number: signal.Signals = signal.SIGTERM) -> None:
    """Have the kernel signal this process when its parent ends, however that ends (Linux)."""
    if not sys.platform.startswith("linux"):
        return
    parent = os.getppid()
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, int(number), 0, 0, 0)
    if os.getppid() != parent:
        raise SystemExit("The parent process has ended.")


def _listening_inode(port: int) -> str | None:
    for table in ("tcp", "tcp6"):
        try:
            rows = (PROC / "net" / table).read_text().splitlines()[1:]
        except OSError:
            continue
        for row in rows:
            fields = row.split()
            if fields[3] == LISTEN and int(fields[1].rpartition(":")[2], 16) == port:
                return fields[9]
    return None


def _holds_socket(pid: int, inode: str) -> bool:
    try:
        entries = list((PROC / str(pid) / "fd").iterdir())
    except OSError:
        return False
    for entry in entries:
        try:
            if os.readlink(entry) == f"socket:[{inode}]":
                return True
        except OSError:
            continue
    return False


def port_holder(port: int) -> str | None:
    """Name and number of the process that listens on a TCP port, as far as /proc tells."""
    inode = _listening_inode(port)
    if inode is None:
        return None
    for pid in all_pids():
        if _holds_socket(pid, inode):
            name = (PROC / str(pid) / "comm").read_text().strip()
            return f"{name} (process {pid})"
    return "another user's process"
