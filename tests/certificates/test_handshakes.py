"""The real edge under a steady stream of handshakes, while its certificate is renewed."""

import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from cryptography import x509
from django.utils import timezone

from apps.certificates.models import Certificate, IssuedCertificate
from apps.fleet import edge
from apps.fleet.services import set_certificate, set_route
from apps.tenancy.kinds import operator
from dev.ports import free_port
from dotmac.crypto.local_ca import ensure_certificate, ensure_local_ca
from dotmac.edge import Certificate as EdgeCertificate
from tests.certificates.world import (
    APPS,
    BASE,
    eventually,
    plan,
    row,
    serving,
    set_up,
    turn,
    until_valid,
)
from tests.dotmac.acme.authority import Authority, authority
from tests.dotmac.dns.server import DnsServer
from tests.dotmac.edge.kit import Sites, Traefik

HOST = "acme.apps.localhost"
RENEWALS, BROWSERS = 5, 3


@contextmanager
def edged(folder: Path, settings: Any, platform_url: str) -> Iterator[Traefik]:
    """An edge that begins with the certificate of this machine's own authority."""
    names = [BASE, f"*.{BASE}", APPS, f"*.{APPS}"]
    pair = ensure_certificate(ensure_local_ca(folder / "ca"), folder / "own", names)
    own = EdgeCertificate(tuple(names), pair.certificate, pair.key)
    made = Traefik(folder, platform_url, own)
    settings.EDGE_KIND, settings.EDGE_DIR = "traefik", made.directory
    settings.EDGE_HTTP_PORT, settings.EDGE_HTTPS_PORT = made.http, made.https
    settings.WEB_PORT = int(platform_url.rpartition(":")[2])
    edge.edge.cache_clear()
    with operator():
        set_certificate(
            name="edge",
            hostnames=names,
            certificate_path=pair.certificate,
            key_path=pair.key,
        )
        edge.render()
    try:
        made.start()
        yield made
    finally:
        made.stop()


@pytest.fixture
def traefik(live: str, tmp_path: Path, settings: Any) -> Iterator[Traefik]:
    """An edge before a platform that answers anything."""
    sites = Sites()
    with edged(tmp_path, settings, sites.start("platform").url) as made:
        yield made
    sites.stop()


def shown(traefik: Traefik, context: ssl.SSLContext, hostname: str = HOST) -> str:
    """The serial number of what the edge shows; OSError where the handshake fails."""
    with (
        socket.create_connection(("127.0.0.1", traefik.https), timeout=5) as line,
        context.wrap_socket(line, server_hostname=hostname) as tls,
    ):
        found = tls.getpeercert(binary_form=True)
        assert found is not None
        return f"{x509.load_der_x509_certificate(found).serial_number:x}"


def trusting(*roots: str) -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.load_verify_locations(cadata="\n".join(roots))
    return context


def newest() -> str:
    return IssuedCertificate.objects.filter(certificate=row(APPS))[0].serial


def renew() -> None:
    now = timezone.now()
    Certificate.objects.filter(name=APPS).update(renew_at=now, next_at=now)
    before = newest()
    eventually(lambda: turn() and newest() != before, "The renewal")
    with operator():
        edge.render()


def test_no_handshake_fails_while_certificates_are_renewed(
    traefik: Traefik, pebble: Authority, server: DnsServer, tmp_path: Path
) -> None:
    local = (tmp_path / "ca" / "ca.pem").read_text()
    assert shown(traefik, trusting(local))
    set_up(pebble, server)
    plan()
    until_valid(BASE, APPS)
    with operator():
        edge.render()
    # Of both that are for the name, the authority's is shown.
    public = trusting(pebble.issuing_root())
    eventually(lambda: _is_shown(traefik, public, HOST, BASE), "The authority's certificate")
    problems: list[str] = []
    serials: set[str] = set()
    count = 0
    is_over = threading.Event()

    def browse() -> None:
        nonlocal count
        while not is_over.is_set():
            try:
                serials.add(shown(traefik, public))
            except OSError as error:
                problems.append(str(error))
            count += 1
            # Bounded: the machine is shared with what is tried.
            is_over.wait(0.01)

    browsers = [threading.Thread(target=browse) for _ in range(BROWSERS)]
    for browser in browsers:
        browser.start()
    try:
        for _turn in range(RENEWALS):
            renew()
            wanted = newest()
            eventually(lambda: wanted in serials, "The renewed certificate")  # noqa: B023
    finally:
        is_over.set()
        for browser in browsers:
            browser.join(20)
    print(f"{count} handshakes in {RENEWALS} renewals, {len(problems)} failed")
    assert problems == []
    assert count > RENEWALS
    files = sorted((traefik.directory / "certificates").iterdir())
    assert {file.stat().st_mode & 0o777 for file in files} == {0o600}
    # What is served, and at most what was before.
    assert len(files) <= 6


def test_http_is_proved_through_the_edge_before_any_redirect(
    live: str, server: DnsServer, tmp_path: Path, settings: Any
) -> None:
    shop, web = "shop.apps.localhost", free_port()
    with (
        serving(web),
        edged(tmp_path, settings, f"http://127.0.0.1:{web}") as traefik,
        authority(tmp_path / "pebble", dns=server.address, http_port=traefik.http) as own,
    ):
        with operator():
            # An instance, which plain HTTP leads away from.
            upstreams = [{"url": "http://127.0.0.1:9", "weight": 1}]
            set_route(hostname=shop, schema="c_acme", instance=uuid4(), upstreams=upstreams)
            edge.render()
        eventually(lambda: traefik.get(shop, https=False).status in (302, 307), "The redirect")
        set_up(own)
        plan()
        Certificate.objects.exclude(name__in=[BASE, shop]).update(next_at=None)
        until_valid(BASE, shop)
        with operator():
            edge.render()
        public = trusting(own.issuing_root())
        eventually(lambda: _is_shown(traefik, public, BASE, shop), "Both certificates")


def _is_shown(traefik: Traefik, context: ssl.SSLContext, *hosts: str) -> bool:
    try:
        return all(bool(shown(traefik, context, host)) for host in hosts)
    except ssl.SSLError:
        return False
