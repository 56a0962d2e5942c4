"""A pool of connections, for processes that serve; in those that fork it hangs.

The threads that serve pages and those of WebSockets take one for as long as they need it.
"""

from django.db import connections

from config.http import THREADS

# A lost connection is tried anew for a second, then by the next request: after an outage of the
# database nobody waits for a back-off.
_POOL = {"min_size": 1, "max_size": THREADS + 2, "timeout": 3, "reconnect_timeout": 1}


def share_connections() -> None:
    """Let the threads of this process share a few connections."""
    connections.close_all()
    database = connections.settings["default"]
    database["CONN_MAX_AGE"] = 0
    database["OPTIONS"]["pool"] = _POOL
