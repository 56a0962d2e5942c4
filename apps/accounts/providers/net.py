"""Requests to addresses that an owner of one ISP entered, from machines that serve all."""

import socket
from typing import Any

import requests
from django.conf import settings
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPSConnection
from urllib3.connectionpool import HTTPSConnectionPool
from urllib3.exceptions import NewConnectionError

from dotmac.net import OutOfReachError, Reach, connect

_TIMEOUT_S = 5.0


class _Connection(HTTPSConnection):
    """Connects to the very address that was found to be public."""

    def _new_conn(self) -> socket.socket:
        try:
            return connect(self.host, self.port or 443, Reach(), timeout_s=_TIMEOUT_S)
        except OutOfReachError as error:
            raise NewConnectionError(self, str(error)) from error
        except OSError as error:
            raise NewConnectionError(self, f"{self.host} does not answer.") from error


class _Pool(HTTPSConnectionPool):
    ConnectionCls = _Connection


class _Adapter(HTTPAdapter):
    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = {"https": _Pool}


class GuardedSession(requests.Session):
    """Reaches public hosts over https, and follows nobody elsewhere.

    Otherwise an issuer such as http://10.0.0.1/ would show its reader what our network holds.
    Development reaches everything.
    """

    max_redirects = 0

    def __init__(self) -> None:
        super().__init__()
        if not settings.DEVELOPMENT:
            # A proxy of the environment would resolve names by itself.
            self.trust_env = False
            self.mount("https://", _Adapter())

    def send(self, request: requests.PreparedRequest, **kwargs: Any) -> requests.Response:
        """As usual, within five seconds; requests.ConnectionError for what is not public."""
        if not settings.DEVELOPMENT and not str(request.url).startswith("https://"):
            raise requests.ConnectionError(f"{request.url} is not reached over https.")
        kwargs["timeout"] = _TIMEOUT_S
        return super().send(request, **kwargs)
