"""The test's end of tests/operations/worker.py."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

_ROOT = Path(__file__).resolve().parents[2]


def until(is_so: Callable[[], object], what: str, within_s: float = 30) -> None:
    """Poll until it is so."""
    deadline = time.monotonic() + within_s
    while not is_so():
        if time.monotonic() > deadline:
            raise AssertionError(f"{what} did not happen within {within_s:.0f} s.")
        time.sleep(0.02)


def is_stopped(pid: int) -> bool:
    """Whether a process stands still by SIGSTOP."""
    state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    return state == "T"


class Nursery:
    """Worker processes on one database and one demonstration world."""

    def __init__(self, database_url: str, world: Path, **environment: str) -> None:
        self.world = world
        self.workers: set[int] = set()
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.operations.worker"],
            cwd=_ROOT,
            env={
                **os.environ,
                "DATABASE_URL": database_url,
                "DEMO_WORLD": str(world),
                "DJANGO_SETTINGS_MODULE": "config.settings.test",
                "LOG_FORMAT": "json",
                "PYTHONPATH": str(_ROOT),
                **environment,
            },
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=(world / "workers.log").open("ab"),
            text=True,
        )
        assert self._read() == "ready"

    def work(self, **request: Any) -> int:
        """A new worker; its process id."""
        pid = int(self._ask(do="work", **request))
        self.workers.add(pid)
        return pid

    def start(self, name: str, subject: str, schema: str = "c_acme") -> str:
        """Start an operation in a process of its own."""
        return str(self._ask(do="start", name=name, subject=subject, schema=schema))

    def count(self, due_id: str) -> int:
        """Run a piece of work; how many SQL statements it took."""
        return int(self._ask(do="count", due=due_id))

    def wait(self, pid: int) -> int:
        """Wait for a worker's end; its exit code, or its signal's negative number."""
        self.workers.discard(pid)
        return int(self._ask(do="wait", pid=pid))

    def kill(self, pid: int) -> None:
        """End a worker without warning."""
        os.kill(pid, signal.SIGKILL)
        self.wait(pid)

    def log(self) -> str:
        """What the workers wrote to their log."""
        return (self.world / "workers.log").read_text()

    def close(self) -> None:
        """End all workers and the nursery."""
        for pid in list(self.workers):
            self.kill(pid)
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(30)

    def _ask(self, **request: Any) -> Any:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(request) + "\n")
        self._process.stdin.flush()
        return self._read()

    def _read(self) -> Any:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        assert line, self.log()
        return json.loads(line)
