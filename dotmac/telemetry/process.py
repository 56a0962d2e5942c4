"""Which of the installation's processes this is."""

import os
from pathlib import Path

from dotmac.server.marks import READY_FILE

# Those that serve; whatever else runs, as a command of a terminal, is "command".
SERVING = ("web", "worker", "clock", "crew")
_UNSET = "command"
_role = _UNSET
_known: tuple[int, str, str] = (0, "", "")


def become(role: str) -> None:
    """Name this process, and what it forks from now on; before settings are loaded."""
    global _role  # noqa: PLW0603
    _role = role


def say_at_work() -> None:
    """Tell whoever replaces this process by another release that it works, if anybody does."""
    file = os.environ.get(READY_FILE, "")
    if file:
        Path(file).parent.mkdir(parents=True, exist_ok=True)
        Path(file).write_text(f"{os.getpid()}\n")


def role() -> str:
    """web, worker, clock, crew (the parent of these in a container) or command."""
    return _role


def identity() -> str:
    """Role, number and birth of this process, as "web-123-4567": of no other one, ever.

    Asked with every number that is counted, so it is kept until a fork.
    """
    global _known  # noqa: PLW0603
    pid = os.getpid()
    if _known[:2] != (pid, _role):
        _known = (pid, _role, f"{_role}-{pid}-{born(pid)}")
    return _known[2]


def born(pid: int) -> int:
    """When a process began, in ticks since the machine did; 0 where it is not there any more."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return 0
    # Its name, in brackets, may hold anything.
    fields = text.rpartition(")")[2].split()
    return 0 if fields[0] == "Z" else int(fields[19])


def is_alive(name: str) -> bool:
    """Whether the process of an identity still runs."""
    _role_of, pid, birth = name.split("-")
    return birth != "0" and born(int(pid)) == int(birth)
