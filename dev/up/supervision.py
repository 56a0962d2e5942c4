"""supervisord as a child of this run: started, asked over XML-RPC, ended with all it started."""

from __future__ import annotations

import json
import operator
import os
import signal
import socket
import subprocess
import sys
import xmlrpc.client
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from supervisor.xmlrpc import SupervisorTransport

from dev import proc
from dev.errors import SetupError
from dev.up.configuration import render
from dev.up.options import Options
from dev.up.programs import Program

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

    def __init__(self, options: Options, process: proc.Process) -> None:
        self.options = options
        self.process = process
        transport = SupervisorTransport(None, None, f"unix://{options.socket}")
        self._server = xmlrpc.client.ServerProxy("http://localhost", transport=transport)

    def start(self, name: str) -> None:
        """Start one child without waiting for it."""
        self._ask(operator.methodcaller("startProcess", name, False))

    def stop(self, names: Iterable[str]) -> None:
        """Ask children to end, all at once and without waiting."""
        running = {state.name for state in self.states() if not state.is_over}
        for name in running.intersection(names):
            self._ask(operator.methodcaller("stopProcess", name, False))

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
    options: Options, programs: Sequence[Program], environment: Mapping[str, str]
) -> Supervisor:
    """Start supervisord in a session of its own, by which every child can be found again."""
    configuration = options.run / "supervisord.conf"
    configuration.write_text(render(options, programs))
    configuration.chmod(0o600)
    options.socket.unlink(missing_ok=True)
    log = options.log / "supervisord.out"
    child = _spawn(options, configuration, environment, log)
    process = proc.find(child.pid)
    if process:
        record(options, process)
    proc.wait_until(lambda: _answers(options.socket) or child.poll() is not None, START_SECONDS)
    if process is None or child.poll() is not None or not _answers(options.socket):
        raise SetupError(f"The supervisor did not start; its log is {log}.")
    return Supervisor(options, process)


def _spawn(
    options: Options, configuration: Path, environment: Mapping[str, str], log: Path
) -> subprocess.Popen[bytes]:
    record_file = str(options.run / "supervisord.leash.pid")
    command = [sys.executable, "-m", "dev.up.leash", "SIGTERM", record_file]
    command += [sys.executable, "-m", "supervisor.supervisord", "-c", str(configuration)]
    with log.open("wb") as output:
        return subprocess.Popen(
            command, cwd=options.root, env=dict(environment), start_new_session=True,
            stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT,
        )  # fmt: skip


def _answers(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as client:
        try:
            client.connect(str(path))
        except OSError:
            return False
    return True


def record(options: Options, supervisord: proc.Process) -> None:
    """Note who runs, so that `down` finds it when this process was killed."""
    own = proc.find(os.getpid())
    parts = {"foreground": own, "supervisord": supervisord}
    text = json.dumps({name: [one.pid, one.started] for name, one in parts.items() if one})
    new = _record_file(options).with_suffix(".new")
    new.write_text(text)
    new.replace(_record_file(options))


def recorded(options: Options) -> dict[str, proc.Process]:
    """The processes of the last run by role; they may be gone."""
    try:
        rows = json.loads(_record_file(options).read_text())
    except (OSError, ValueError):
        return {}
    return {role: proc.Process(*numbers) for role, numbers in rows.items()}


def _record_file(options: Options) -> Path:
    return options.run / "up.json"


def end(
    options: Options, supervisord: proc.Process, tick: Callable[[], None] = lambda: None
) -> None:
    """End supervisord and everything it started; the database last, cleanly."""

    def is_gone() -> bool:
        tick()
        return not proc.is_alive(supervisord)

    proc.send(supervisord, signal.SIGTERM)
    if not proc.wait_until(is_gone, STOP_SECONDS):
        proc.send(supervisord, signal.SIGKILL)
    sweep(supervisord)
    _record_file(options).unlink(missing_ok=True)
    options.socket.unlink(missing_ok=True)


def sweep(supervisord: proc.Process) -> None:
    """End what is left of the session: children of children whose parent was killed."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        for stray in proc.in_session(supervisord):
            proc.send(stray, number)
        if proc.wait_until(lambda: not proc.in_session(supervisord), STRAY_SECONDS):
            return
