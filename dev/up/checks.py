"""What must hold before anything is started."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterable

from dev.up.options import PORTS, Options
from dotmac.server import proc
from dotmac.server.environment import check_disk
from dotmac.server.errors import SetupError

FIRST_FREE_PORT = 1024
PURPOSES = {
    "EDGE_HTTP_PORT": "the edge (HTTP)",
    "EDGE_HTTPS_PORT": "the edge (HTTPS)",
    "WEB_PORT": "the web server",
    "DATABASE_PORT": "the database",
    "EDGE_PING_PORT": "the edge's own health check",
}


def check(options: Options) -> None:
    """Raise SetupError for the first thing that would keep the platform from starting."""
    check_disk(options.root)
    check_ports({name: options.port(name) for name in _used(options)})


def check_ports(ports: dict[str, int]) -> None:
    """Raise SetupError that names the holder of the first port that is taken."""
    for name, port in ports.items():
        if len([one for one in ports.values() if one == port]) > 1:
            raise SetupError(f"Port {port} is set twice. Give {name} another one in .env.")
        if port < FIRST_FREE_PORT and os.geteuid() != 0:
            raise SetupError(f"Port {port} is for root alone. Set {name} above 1023 in .env.")
        if not is_free(port):
            holder = proc.port_holder(port) or "another process"
            raise SetupError(
                f"Port {port} for {PURPOSES.get(name, name)} is taken by {holder}. "
                f"End it, or set {name} to a free port in .env."
            )


def is_free(port: int) -> bool:
    """Whether nothing listens on this port on any address of this machine."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("", port))
        except OSError:
            return False
    return True


def _used(options: Options) -> Iterable[str]:
    return [name for name in PORTS if name != "DATABASE_PORT" or options.has_own_database]
