"""The edge as a child of this run: Traefik with its static file, and first routes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from dev.up.options import Options
from dotmac.edge import Certificate, EdgeError, PlatformRoutes
from dotmac.edge.traefik import ROUTES_FILE, TraefikEdge, binary
from dotmac.edge.traefik_config import render, static_config
from dotmac.server.errors import SetupError
from dotmac.server.programs import Program

# An open WebSocket would hold the edge for as long as it drains.
STOP_SECONDS = 5


def program(options: Options, certificate: Certificate) -> Program:
    """Write what Traefik starts with and return it as a child; raises SetupError."""
    try:
        _ensure_routes(options, certificate)
        command = [str(binary()), f"--configFile={_write_static(options)}"]
    except EdgeError as error:
        raise SetupError(str(error)) from error
    return Program("edge", command, stop_seconds=STOP_SECONDS)


def _write_static(options: Options) -> Path:
    bind = options.edge_bind
    config = static_config(
        directory=options.edge,
        http=f"{bind}:{options.port('EDGE_HTTP_PORT')}",
        https=f"{bind}:{options.port('EDGE_HTTPS_PORT')}",
        ping=f"127.0.0.1:{options.port('EDGE_PING_PORT')}",
    )
    # Traefik reads only what is named as YAML or TOML; JSON is YAML.
    file = options.run / "traefik.yml"
    file.write_text(json.dumps(config, indent=1))
    return file


def _ensure_routes(options: Options, certificate: Certificate) -> None:
    """Keep the routes of instances from the last run, unless ports or domains changed since.

    The clock renders all routes again soon after; until then instances go on being served.
    """
    platform = PlatformRoutes(
        base_domain=options.base_domain,
        apps_domain=options.apps_domain,
        web_url=f"http://127.0.0.1:{options.port('WEB_PORT')}",
        http_port=options.port("EDGE_HTTP_PORT"),
        https_port=options.port("EDGE_HTTPS_PORT"),
    )
    wanted = render([], [certificate], platform)
    if not _holds(options.edge / ROUTES_FILE, wanted):
        TraefikEdge(options.edge, platform).apply([], [certificate])


def _holds(file: Path, wanted: dict[str, Any]) -> bool:
    """Whether the file's routing contains all of this."""
    try:
        present = json.loads(file.read_text())
        return all(
            wanted["http"][part].items() <= present["http"][part].items()
            for part in ("routers", "services", "middlewares")
        )
    except (OSError, ValueError, KeyError, AttributeError):
        return False
