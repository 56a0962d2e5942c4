"""What a web server serves: the application, with a pool of connections."""

from config.asgi import application
from config.pool import share_connections

__all__ = ["application"]

share_connections()
