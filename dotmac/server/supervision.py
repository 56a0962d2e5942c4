"""supervisord as a child of this run: started, asked over XML-RPC, ended with all it started."""

from __future__ import annotations

import json
import operator
import os
import signal
import socket
import subprocess
import sys
import xmlrpc.client  # nosec B411
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from supervisor.xmlrpc import SupervisorTransport

from dotmac.server import proc
from dotmac.server.configuration import render
from dotmac.server.errors import SetupError
from dotmac.server.places import Place
from dotmac.server.programs import Program

# XML is read here alone, from our own supervisor, over a socket that nobody else may open.
START_SECONDS = 20
STOP_SECONDS = 90
STRAY_SECONDS = 3
CONNECTION_ERRORS = (OSError, xmlrpc.client.Error, xmlrpc.client.ProtocolError)


class SupervisorGoneError(Exception):
    """supervisord does not answer any more."""


@dataclass(frozen=True)
class State:
    """What the supervisor says of one child."""

    name: str
    pid: int
    status: str
    exit_code: int
    ended_at: int

    @property
    def is_over(self) -> bool:
        return self.status in ("EXITED", "FATAL", "STOPPED", "UNKNOWN")


class Supervisor:
    """The one supervisord of this folder."""

    def __init__(self, place: Place, process: proc.Process) -> None:
        self.place = place
        self.process = process
        transport = SupervisorTransport(None, None, f"unix://{place.socket}")
        self._server = xmlrpc.client.ServerProxy("http://localhost", transport=transport)

    def start(self, name: str) -> None:
        """Start one child without waiting for it."""
        self._ask(operator.methodcaller("startProcess", name, False))

    def stop(self, names: Iterable[str]) -> None:
        """Ask children to end, all at once and without waiting."""
        running = {state.name for state in self.states() if not state.is_over}
        for name in running.intersection(names):
            self._ask(operator.methodcaller("stopProcess", name, False))

    def replace(self, name: str) -> None:
        """Read the configuration of one child that does not run anew, as it stands in the file."""
        self._ask(operator.methodcaller("reloadConfig"))
        # Not there: whoever replaced it before was killed half way.
        if any(state.name == name for state in self.states()):
            self._ask(operator.methodcaller("removeProcessGroup", name))
        self._ask(operator.methodcaller("addProcessGroup", name))

    def states(self) -> list[State]:
        rows: Any = self._ask(operator.methodcaller("getAllProcessInfo"))
        return [
            State(row["name"], row["pid"], row["statename"], row["exitstatus"], row["stop"])
            for row in rows
        ]

    def _ask(self, call: Callable[[Any], object]) -> object:
        try:
            return call(self._server.supervisor)
        except CONNECTION_ERRORS as error:
            if not proc.is_alive(self.process):
                raise SupervisorGoneError from error
            raise


def start(
    place: Place,
    programs: Sequence[Program],
    environment: Mapping[str, str],
    *,
    python: str = sys.executable,
    outlives: bool = False,
) -> Supervisor:
    """Start supervisord in a session of its own, by which every child can be found again.

    It is run by a `python` that has it, and ends with this process unless it `outlives` it.
    """
    configuration = place.run / "supervisord.conf"
    configuration.write_text(render(place, programs))
    configuration.chmod(0o600)
    place.socket.unlink(missing_ok=True)
    log = place.log / "supervisord.out"
    command = [python, "-m", "supervisor.supervisord", "-c", str(configuration)]
    if not outlives:
        record_file = str(place.run / "supervisord.leash.pid")
        command = [python, "-m", "dotmac.server.leash", "SIGTERM", record_file, *command]
    child = _spawn(place, command, environment, log)
    process = proc.find(child.pid)
    if process:
        record(place, process)
    proc.wait_until(lambda: _answers(place.socket) or child.poll() is not None, START_SECONDS)
    if process is None or child.poll() is not None or not _answers(place.socket):
        raise SetupError(f"The supervisor did not start; its log is {log}.")
    return Supervisor(place, process)


def _spawn(
    place: Place, command: Sequence[str], environment: Mapping[str, str], log: Path
) -> subprocess.Popen[bytes]:
    with log.open("wb") as output:
        return subprocess.Popen(
            command, cwd=place.root, env=dict(environment), start_new_session=True,
            stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT,
        )  # fmt: skip


def _answers(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as client:
        try:
            client.connect(str(path))
        except OSError:
            return False
    return True


def record(place: Place, supervisord: proc.Process) -> None:
    """Note who runs, so that `down` finds it when this process was killed."""
    own = proc.find(os.getpid())
    parts = {"foreground": own, "supervisord": supervisord}
    text = json.dumps({name: [one.pid, one.started] for name, one in parts.items() if one})
    new = _record_file(place).with_suffix(".new")
    new.write_text(text)
    new.replace(_record_file(place))


def recorded(place: Place) -> dict[str, proc.Process]:
    """The processes of the last run by role; they may be gone."""
    try:
        rows = json.loads(_record_file(place).read_text())
    except (OSError, ValueError):
        return {}
    return {role: proc.Process(*numbers) for role, numbers in rows.items()}


def _record_file(place: Place) -> Path:
    return place.run / "up.json"


def end(place: Place, supervisord: proc.Process, tick: Callable[[], None] = lambda: None) -> None:
    """End supervisord and everything it started; the database last, cleanly."""

    def is_gone() -> bool:
        tick()
        return not proc.is_alive(supervisord)

    proc.send(supervisord, signal.SIGTERM)
    if not proc.wait_until(is_gone, STOP_SECONDS):
        proc.send(supervisord, signal.SIGKILL)
    sweep(supervisord)
    _record_file(place).unlink(missing_ok=True)
    place.socket.unlink(missing_ok=True)


def sweep(supervisord: proc.Process) -> None:
    """End what is left of the session: children of children whose parent was killed."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        for stray in proc.in_session(supervisord):
            proc.send(stray, number)
        if proc.wait_until(lambda: not proc.in_session(supervisord), STRAY_SECONDS):
            return
