"""The child that serves HTTP and WebSockets; imported after the fork, since daphne makes its event
loop on import."""

import os
import sys

from config.asgi import application
from config.draining import DrainingServer
from config.isp.processes import FATAL, READY
from config.isp.release import ReleaseError, release
from config.isp.workspace import from_environment
from config.pool import share_connections

PORT = 8000


def main() -> int:
    """Make sure that the workspace is there, then serve it until SIGTERM."""
    try:
        release(from_environment())
    except ReleaseError as error:
        sys.stderr.write(f"{error}\n")
        return FATAL
    # Not before: a pool tells that it has no connection, but not that the password is refused.
    share_connections()
    DrainingServer(
        application=application,
        endpoints=[f"tcp:port={PORT}:interface=0.0.0.0"],
        server_name="DotMac",
        ready_callable=lambda: os.kill(os.getppid(), READY),
    ).run()
    return 0
