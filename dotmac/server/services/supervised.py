"""supervisord as the keeper, where no systemd runs: in a container, or in a test."""

from __future__ import annotations

import os
from collections.abc import Collection
from pathlib import Path

from dotmac.server import plan, proc, supervision
from dotmac.server.configuration import render
from dotmac.server.errors import SetupError
from dotmac.server.links import link
from dotmac.server.logs import last_words
from dotmac.server.options import Options
from dotmac.server.programs import Program
from dotmac.server.supervision import State, Supervisor

_PATIENCE_S = 10


class SupervisedServices:
    """One supervisord of this server, which goes on after the command that started it.

    It runs the Python of the release that it was started from, which therefore stays.
    """

    def __init__(self, options: Options) -> None:
        self._options = options
        self._layout = options.layout

    def prepare(self, home: Path) -> None:
        """Start supervisord unless it runs; a service's configuration is read when that starts."""
        if self._supervisor() is None:
            link(self._layout.live(plan.SUPERVISOR), home)
            self._layout.run.mkdir(parents=True, exist_ok=True)
            self._layout.socket.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            python = str(self._layout.live(plan.SUPERVISOR) / ".venv" / "bin" / "python")
            supervision.start(
                self._layout_place(), self._programs(), _environment(), python=python, outlives=True
            )

    def start(self, name: str) -> None:
        """As the protocol says."""
        if self.is_running(name):
            return
        supervisor = self._needed()
        self.stop(name)
        configuration = self._layout.run / "supervisord.conf"
        configuration.write_text(render(self._layout_place(), self._programs()))
        supervisor.replace(name)
        supervisor.start(name)

    def stop(self, name: str) -> None:
        """As the protocol says."""
        supervisor = self._supervisor()
        if supervisor is None:
            return
        supervisor.stop([name])
        program = next(one for one in self._programs() if one.name == name)
        if not proc.wait_until(
            lambda: self._state(name).is_over, program.stop_seconds + _PATIENCE_S
        ):
            raise SetupError(f"The service {name} did not end.")

    def is_running(self, name: str) -> bool:
        """As the protocol says."""
        return self._supervisor() is not None and self._state(name).status == "RUNNING"

    def pid(self, name: str) -> int:
        """As the protocol says."""
        return self._state(name).pid if self.is_running(name) else 0

    def keep(self, names: Collection[str]) -> None:
        """Nothing: whoever starts the machine runs `dotmac start`, which knows."""

    def last_words(self, name: str, count: int) -> list[str]:
        """As the protocol says."""
        return last_words(self._layout.log / f"{name}.log", count)

    def shut_down(self) -> None:
        """End supervisord with all that it keeps."""
        found = supervision.recorded(self._layout_place()).get("supervisord")
        if found:
            supervision.end(self._layout_place(), found)

    def _layout_place(self) -> _Place:
        return _Place(self._options)

    def _programs(self) -> list[Program]:
        return [
            Program(
                one.name,
                one.command,
                stop_seconds=one.stop_seconds,
                directory=one.directory,
                python=str(one.directory / ".venv" / "bin" / "python"),
                environment=one.environment,
                record=self._layout.pids / f"{one.name}.pid",
                # Ports below 1024 are root's where nobody gives a right to them.
                user="" if one.takes_low_ports else self._options.user,
            )
            for one in plan.services(self._options)
        ]

    def _supervisor(self) -> Supervisor | None:
        found = supervision.recorded(self._layout_place()).get("supervisord")
        if found is None or not proc.is_alive(found):
            return None
        return Supervisor(self._layout_place(), found)

    def _needed(self) -> Supervisor:
        supervisor = self._supervisor()
        if supervisor is None:
            raise SetupError("The supervisor does not run. `dotmac start` starts it.")
        return supervisor

    def _state(self, name: str) -> State:
        found = (one for one in self._needed().states() if one.name == name)
        return next(found, State(name, 0, "STOPPED", 0, 0))


class _Place:
    """Where this supervisor keeps its files; services have folders of their own."""

    def __init__(self, options: Options) -> None:
        layout = options.layout
        self.root, self.run, self.log, self.socket = (
            layout.var,
            layout.run,
            layout.log,
            layout.socket,
        )


def _environment() -> dict[str, str]:
    """Of the shell it is started from, only what every program needs: no secret comes along."""
    names = ("PATH", "LANG", "LC_ALL", "TZ", "HOME", "TMPDIR")
    return {name: os.environ[name] for name in names if name in os.environ}
