"""The services of a server, as data: what runs, whatever keeps it running."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from dotmac.server.installed import ENV_FILE
from dotmac.server.marks import READY_FILE
from dotmac.server.options import SLOTS, Layout, Options

EDGE, WORKER, CLOCK = "edge", "worker", "clock"
WEBS = tuple(f"web-{slot}" for slot in SLOTS)
# Not a service: what supervisord itself runs from.
SUPERVISOR = "supervisor"
# In the order in which a server starts them.
NAMES = (EDGE, *WEBS, WORKER, CLOCK)
SETTINGS = "config.settings.prod"
# Open WebSockets would hold the edge for as long as it drains.
_EDGE_STOP_S = 15
_WEB_STOP_S = 15
# What is not done by then is handed on when its lease runs out.
_WORKER_STOP_S = 60


@dataclass(frozen=True)
class Service:
    """One of them, which runs in `directory`: a link, laid to another release while it rests."""

    name: str
    title: str
    command: Sequence[str]
    directory: Path
    stop_seconds: int = 15
    environment: Mapping[str, str] = field(default_factory=dict)
    takes_low_ports: bool = False
    uses_docker: bool = False
    before_as_root: Sequence[str] = ()


def services(options: Options) -> list[Service]:
    """All of them, in the order of NAMES."""
    return [
        _edge(options),
        *(_web(options, slot) for slot in SLOTS),
        _django(options, WORKER, "worker", ["manage.py", "qcluster"], _WORKER_STOP_S),
        _django(options, CLOCK, "clock", ["manage.py", "clock"], 15),
    ]


def environment(layout: Layout, home: Path) -> dict[str, str]:
    """What a process of a release needs beside the server's file; no secret is among it."""
    return {
        "DJANGO_SETTINGS_MODULE": SETTINGS,
        ENV_FILE: str(layout.env_file),
        "VAR_DIR": str(layout.var),
        "WEB_URL_FILE": str(layout.web_url),
        "STATIC_ROOT": str(home / "collected"),
        "PYTHONUNBUFFERED": "1",
    }


def _edge(options: Options) -> Service:
    layout, home = options.layout, options.layout.live(EDGE)
    python = str(home / ".venv" / "bin" / "python")
    return Service(
        EDGE,
        "edge",
        [str(home / ".venv" / "bin" / "traefik"), f"--configFile={layout.edge_config}"],
        home,
        stop_seconds=_EDGE_STOP_S,
        takes_low_ports=True,
        # Rules of the firewall do not outlast the machine's own start.
        before_as_root=[python, "-m", "dotmac.server", "shield"] if options.wants_docker else (),
    )


def _web(options: Options, slot: str) -> Service:
    name = f"web-{slot}"
    daphne = str(options.layout.live(name) / ".venv" / "bin" / "daphne")
    port = str(options.web_port(slot))
    # Without the server's own lines of requests, which hold the raw path.
    command = [daphne, "--verbosity", "0", "-b", "127.0.0.1", "-p", port]
    return _process(options, name, f"web, slot {slot}", [*command, "config.server:application"])


def _django(
    options: Options, name: str, title: str, arguments: Sequence[str], stop_seconds: int
) -> Service:
    python = str(options.layout.live(name) / ".venv" / "bin" / "python")
    service = _process(options, name, title, [python, *arguments], stop_seconds)
    ready = {READY_FILE: str(options.layout.ready(name))}
    return replace(service, environment={**service.environment, **ready})


def _process(
    options: Options,
    name: str,
    title: str,
    command: Sequence[str],
    stop_seconds: int = _WEB_STOP_S,
) -> Service:
    home = options.layout.live(name)
    return Service(
        name,
        title,
        command,
        home,
        stop_seconds=stop_seconds,
        environment=environment(options.layout, home),
        uses_docker=options.wants_docker,
    )
