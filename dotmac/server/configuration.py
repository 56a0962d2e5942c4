"""The supervisor's configuration, rendered from the children of a run."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Sequence

from dotmac.server.places import Place
from dotmac.server.programs import Program

LOG_BYTES = "5MB"
LOG_COPIES = 3
# A child that lives this long counts as started; one that dies sooner waits before the next try.
START_SECONDS = 1
RETRIES = 20


def render(place: Place, programs: Sequence[Program]) -> str:
    """The whole supervisord.conf; children are started over XML-RPC, never by themselves."""
    sections = [_supervisor(place)]
    sections += [
        _program(place, program, priority) for priority, program in enumerate(programs, start=1)
    ]
    return "\n".join(sections)


def _section(header: str, values: dict[str, object]) -> str:
    lines = (f"{name}={str(value).replace('%', '%%')}\n" for name, value in values.items())
    return f"[{header}]\n" + "".join(lines)


def _supervisor(place: Place) -> str:
    return "\n".join(
        [
            _section("unix_http_server", {"file": place.socket, "chmod": "0700"}),
            _section(
                "supervisord",
                {
                    "nodaemon": "true",
                    "silent": "true",
                    "directory": place.root,
                    "childlogdir": place.log,
                    "logfile": place.log / "supervisord.log",
                    "logfile_maxbytes": LOG_BYTES,
                    "logfile_backups": LOG_COPIES,
                    "pidfile": place.run / "supervisord.pid",
                },
            ),
            _section(
                "rpcinterface:supervisor",
                {
                    "supervisor.rpcinterface_factory": (
                        "supervisor.rpcinterface:make_main_rpcinterface"
                    )
                },
            ),
        ]
    )


def _program(place: Place, program: Program, priority: int) -> str:
    record = program.record or place.run / f"{program.name}.pid"
    leash = [
        program.python or sys.executable,
        "-m",
        "dotmac.server.leash",
        program.stop_signal,
        str(record),
    ]
    return _section(
        f"program:{program.name}",
        {
            "command": shlex.join([*leash, *program.command]),
            "directory": program.directory or place.root,
            "priority": priority,
            "autostart": "false",
            "autorestart": "false" if program.once else "true",
            "startsecs": 0 if program.once else START_SECONDS,
            "startretries": 0 if program.once else RETRIES,
            "stopsignal": program.stop_signal.removeprefix("SIG"),
            "stopwaitsecs": program.stop_seconds,
            "stopasgroup": "true" if program.once else "false",
            "killasgroup": "true",
            "redirect_stderr": "true",
            "stdout_logfile": place.log / f"{program.name}.log",
            "stdout_logfile_maxbytes": LOG_BYTES,
            "stdout_logfile_backups": LOG_COPIES,
            **_more(program),
        },
    )


def _more(program: Program) -> dict[str, object]:
    """What only some need."""
    found: dict[str, object] = {"user": program.user} if program.user else {}
    if program.environment:
        found["environment"] = ",".join(f'{k}="{v}"' for k, v in program.environment.items())
    return found
