"""Requests to addresses that an owner of one ISP entered, from machines that serve all."""

import socket
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

import requests
from django.conf import settings

_TIMEOUT_S = 5.0


class GuardedSession(requests.Session):
    """Reaches public hosts over https, and follows nobody elsewhere.

    Otherwise an issuer such as http://10.0.0.1/ would show its reader what our network holds.
    Development reaches everything.
    """

    max_redirects = 0

    def send(self, request: requests.PreparedRequest, **kwargs: Any) -> requests.Response:
        """As usual, within five seconds; requests.ConnectionError for what is not public."""
        if not settings.DEVELOPMENT:
            _check(str(request.url))
        kwargs["timeout"] = _TIMEOUT_S
        return super().send(request, **kwargs)


def _check(url: str) -> None:
    parts = urlsplit(url)
    if parts.scheme != "https":
        raise requests.ConnectionError(f"{parts.hostname} is not reached over https.")
    try:
        found = socket.getaddrinfo(parts.hostname, parts.port or 443, type=socket.SOCK_STREAM)
    except OSError as error:
        raise requests.ConnectionError(f"{parts.hostname} has no address.") from error
    if not all(ip_address(entry[4][0]).is_global for entry in found):
        raise requests.ConnectionError(f"{parts.hostname} is not a public address.")
