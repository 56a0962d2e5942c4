"""Databases with real commits, an authority and a DNS server for each module."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection

from apps.alerts.models import Alert
from apps.certificates.models import AcmeAccount, Certificate
from apps.fleet import edge
from apps.fleet.models import Certificate as Served
from apps.fleet.models import EdgeState
from apps.notifications.models import Notification
from apps.tenancy.kinds import operator
from dotmac.acme.network import Network
from dotmac.dns import PowerDns, Rfc2136
from tests.dotmac.acme.authority import Authority, authority
from tests.dotmac.dns.server import DnsServer, running
from tests.live import module_database, swept_database

__all__ = ["module_database", "swept_database"]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DnsServer]:
    """The DNS of the platform's domains."""
    with running(tmp_path_factory.mktemp("dns")) as made:
        yield made


@pytest.fixture(scope="module")
def pebble(tmp_path_factory: pytest.TempPathFactory, server: DnsServer) -> Iterator[Authority]:
    """An authority that asks this DNS."""
    with authority(tmp_path_factory.mktemp("pebble"), dns=server.address) as made:
        yield made


@pytest.fixture
def live(swept_database: str, settings: Any) -> Iterator[str]:
    """The operator without account and certificates; a lease lasts as long as in production."""
    settings.EDGE_KIND, settings.LEASE_SECONDS = "fake", 20.0
    settings.HEARTBEAT_SECONDS = 1.0
    edge.edge.cache_clear()
    with operator():
        for model in (Certificate, AcmeAccount, Served, EdgeState, Alert, Notification):
            model.objects.all().delete()
    yield swept_database
    edge.edge.cache_clear()


@pytest.fixture(autouse=True)
def no_network_in_transactions(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever talks to authority or DNS while a transaction is open fails the test."""
    for owner, name in ((Network, "_send_request"), (Rfc2136, "_ask"), (PowerDns, "_ask")):
        monkeypatch.setattr(owner, name, _outside(getattr(owner, name)))


def _outside(call: Any) -> Any:
    def guarded(*args: Any, **kwargs: Any) -> Any:
        assert not connection.in_atomic_block, "A network call inside of a transaction."
        return call(*args, **kwargs)

    return guarded
