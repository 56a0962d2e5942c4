"""The supervisor's configuration, rendered from the children of a run."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Sequence

from dev.up.options import Options
from dev.up.programs import Program

LOG_BYTES = "5MB"
LOG_COPIES = 3
# A child that lives this long counts as started; one that dies sooner waits before the next try.
START_SECONDS = 1
RETRIES = 20


def render(options: Options, programs: Sequence[Program]) -> str:
    """The whole supervisord.conf; children are started over XML-RPC, never by themselves."""
    sections = [_supervisor(options)]
    sections += [
        _program(options, program, priority) for priority, program in enumerate(programs, start=1)
    ]
    return "\n".join(sections)


def _section(header: str, values: dict[str, object]) -> str:
    lines = (f"{name}={str(value).replace('%', '%%')}\n" for name, value in values.items())
    return f"[{header}]\n" + "".join(lines)


def _supervisor(options: Options) -> str:
    return "\n".join(
        [
            _section("unix_http_server", {"file": options.socket, "chmod": "0700"}),
            _section(
                "supervisord",
                {
                    "nodaemon": "true",
                    "silent": "true",
                    "directory": options.root,
                    "childlogdir": options.log,
                    "logfile": options.log / "supervisord.log",
                    "logfile_maxbytes": LOG_BYTES,
                    "logfile_backups": LOG_COPIES,
                    "pidfile": options.run / "supervisord.pid",
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


def _program(options: Options, program: Program, priority: int) -> str:
    record = options.run / f"{program.name}.pid"
    leash = [sys.executable, "-m", "dev.up.leash", program.stop_signal, str(record)]
    return _section(
        f"program:{program.name}",
        {
            "command": shlex.join([*leash, *program.command]),
            "directory": options.root,
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
            "stdout_logfile": options.log / f"{program.name}.log",
            "stdout_logfile_maxbytes": LOG_BYTES,
            "stdout_logfile_backups": LOG_COPIES,
        },
    )
