"""The child that serves HTTP and WebSockets; imported after the fork, since daphne makes its event
loop on import."""

import os
import sys

from daphne.server import Server
from django.db import connections

from config.asgi import application
from config.isp.processes import FATAL, READY
from config.isp.release import ReleaseError, release
from config.isp.workspace import from_environment

PORT = 8000
# A lost connection is tried anew for a second, then by the next request: after an outage of the
# database nobody waits for a back-off.
POOL = {"min_size": 1, "max_size": 4, "timeout": 3, "reconnect_timeout": 1}


def main() -> int:
    """Make sure that the workspace is there, then serve it until SIGTERM."""
    try:
        release(from_environment())
    except ReleaseError as error:
        sys.stderr.write(f"{error}\n")
        return FATAL
    _share_connections()
    Server(
        application=application,
        endpoints=[f"tcp:port={PORT}:interface=0.0.0.0"],
        server_name="DotMac",
        ready_callable=lambda: os.kill(os.getppid(), READY),
    ).run()
    return 0


def _share_connections() -> None:
    """A pool, since every request has a thread of its own; in forking processes it would hang."""
    connections.close_all()
    database = connections.settings["default"]
    database["CONN_MAX_AGE"] = 0
    database["OPTIONS"]["pool"] = POOL
