"""What a web server serves: the application, with a pool of connections.

Under ASGI every request has a thread of its own, so a kept connection would serve one request.
Only for processes that serve: in forking ones a pool hangs.
"""

from django.db import connections

from config.asgi import application

__all__ = ["application", "share_connections"]

# A lost connection is tried anew for a second, then by the next request: after an outage of the
# database nobody waits for a back-off.
_POOL = {"min_size": 1, "max_size": 8, "timeout": 3, "reconnect_timeout": 1}


def share_connections() -> None:
    """Let the threads of this process share a few connections."""
    connections.close_all()
    database = connections.settings["default"]
    database["CONN_MAX_AGE"] = 0
    database["OPTIONS"]["pool"] = _POOL


share_connections()
