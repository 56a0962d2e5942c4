"""Start a child so that it never outlives its parent, then become the child's program.

    python -m dotmac.server.leash SIGNAL PID_FILE COMMAND...

The kernel sends the signal when the parent ends, also by kill -9. What an earlier, killed child of
the same name left behind in its process group (a queue's workers) ends before the new one starts.
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

from dotmac.server import proc


def end_leftovers(record: Path) -> None:
    """Kill what is left of the process group named in the pid file, within our own session."""
    try:
        group = int(record.read_text().split()[0])
    except (OSError, ValueError, IndexError):
        return
    if group == os.getpid():
        return
    for left in proc.in_group(group, session=os.getsid(0)):
        proc.send(left, signal.SIGKILL)


def main() -> None:
    number, record, command = signal.Signals[sys.argv[1]], Path(sys.argv[2]), sys.argv[3:]
    proc.die_with_parent(number)
    end_leftovers(record)
    own = proc.find(os.getpid())
    if own:
        record.write_text(f"{own.pid} {own.started}\n")
    os.execvp(command[0], command)


if __name__ == "__main__":
    main()
