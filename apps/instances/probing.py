"""Asking an instance over HTTP: its container directly, and its public address at the edge.

Where the engine or the edge is a fake one, which has no addresses, the fake is asked.
"""

import http.client
from pathlib import Path

from django.conf import settings

from apps.fleet.edge import edge
from dotmac.edge import MARK_HEADER
from dotmac.edge.fake import FakeEdge
from dotmac.edge.probe import probe
from dotmac.engine.base import ContainerInfo
from dotmac.stack.plan import HealthProbe

_TIMEOUT_S = 3.0
_NOTICE = 503


def container_status(found: ContainerInfo, health: HealthProbe) -> int | None:
    """The status that a container answers its health check with; None for no answer."""
    if getattr(settings, "ENGINE_KIND", "docker") == "fake":
        return health.status if found.is_running else None
    address = found.addresses.get(health.endpoint.network)
    return _get(address, health.endpoint.port, health.path) if address else None


def public_status(hostname: str, path: str, mark: str) -> int | None:
    """The status that the public address answers with; None for no answer.

    An answer without the mark is not from the route that was asked for, but from the one before.
    """
    now = edge()
    if isinstance(now, FakeEdge):
        return now.status(hostname)
    address = (settings.EDGE_ADDRESS, settings.EDGE_HTTPS_PORT)
    found = probe(address, hostname, path, tls=Path(settings.EDGE_CA_FILE), timeout_s=_TIMEOUT_S)
    return found.status if found.headers.get(MARK_HEADER.lower()) == mark else None


def shows_notice(hostname: str) -> bool:
    """Whether the public address answers with a notice of the platform, and no instance."""
    now = edge()
    if isinstance(now, FakeEdge):
        return now.status(hostname) == _NOTICE
    address = (settings.EDGE_ADDRESS, settings.EDGE_HTTPS_PORT)
    found = probe(address, hostname, tls=Path(settings.EDGE_CA_FILE), timeout_s=_TIMEOUT_S)
    return found.status == _NOTICE and MARK_HEADER.lower() not in found.headers


def _get(address: str, port: int, path: str) -> int | None:
    asked = http.client.HTTPConnection(address, port, timeout=_TIMEOUT_S)
    try:
        asked.request("GET", path)
        return asked.getresponse().status
    except (OSError, http.client.HTTPException):
        return None
    finally:
        asked.close()
