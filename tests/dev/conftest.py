"""Real parts for the set-up's tests: free ports, own folders, runs that are always ended."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from dev import ports
from dev.up.ending import end_leftovers
from dev.up.options import ROOT, Options
from dotmac.server import proc, supervision

SECONDS = 40


@pytest.fixture
def free_port() -> int:
    return ports.free_port()


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder that every user may enter; pytest's own lies below a private one."""
    path = Path(tempfile.mkdtemp(prefix="dotmac-test-"))
    path.chmod(0o755)
    yield path
    shutil.rmtree(path, ignore_errors=True)


class StandInRun:
    """`make up` with stand-in children in a folder of its own."""

    def __init__(self, folder: Path) -> None:
        self.options = Options(ROOT, folder / "var", {})
        self._plan = folder / "plan.json"
        self._output = folder / "output"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self, **plan: list) -> None:
        self._plan.write_text(json.dumps(plan))
        command = [sys.executable, "-m", "tests.dev.stand_in"]
        with self._output.open("wb") as output:
            self._process = subprocess.Popen(
                [*command, str(self.options.var), str(self._plan)],
                cwd=ROOT, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT,
            )  # fmt: skip

    @property
    def process(self) -> subprocess.Popen[bytes]:
        assert self._process
        return self._process

    @property
    def output(self) -> str:
        return self._output.read_text()

    def says(self, text: str) -> None:
        """Wait until the run has printed this."""
        eventually(lambda: text in self.output, lambda: f"{text!r} is not in: {self.output}")

    def pid(self, name: str, *, other_than: int = 0) -> int:
        """The number of a child that lives; waits for it."""
        seen: list[int] = []

        def lives() -> bool:
            found = self._find(name)
            seen[:] = [found.pid] if found else []
            return bool(found) and found.pid != other_than

        eventually(lives, lambda: f"{name} does not live: {self.output}")
        return seen[0]

    def ends(self) -> int:
        """Wait for the end of the foreground; its exit code."""
        return self.process.wait(SECONDS)

    def survivors(self) -> list[proc.Process]:
        leader = supervision.recorded(self.options).get("supervisord", self._supervisord)
        return [one for one in (leader, *proc.in_session(leader)) if proc.is_alive(one)]

    def remember(self) -> None:
        """Note the supervisor now, since a clean end takes its record away."""
        self._supervisord = supervision.recorded(self.options)["supervisord"]

    def clear(self) -> None:
        if self._process and self._process.poll() is None:
            self._process.send_signal(signal.SIGKILL)
            self._process.wait(SECONDS)
        if self.options.run.exists():
            end_leftovers(self.options)

    def _find(self, name: str) -> proc.Process | None:
        try:
            pid = int((self.options.run / f"{name}.pid").read_text().split()[0])
        except (OSError, IndexError):
            return None
        return proc.find(pid)


@pytest.fixture
def run(folder: Path) -> Iterator[StandInRun]:
    one = StandInRun(folder)
    yield one
    one.clear()


def eventually(holds: Callable[[], bool], otherwise: Callable[[], str]) -> None:
    assert proc.wait_until(holds, SECONDS), otherwise()
