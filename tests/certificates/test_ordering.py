"""From nothing to certificates that are served, renewed, revoked and withdrawn."""

import logging
from datetime import timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from django.utils import timezone

from apps.certificates import services
from apps.certificates.exceptions import BusyError, NotSetUpError
from apps.certificates.models import Certificate, ChallengeAnswer, IssuedCertificate
from apps.core.exceptions import DomainError
from apps.events.actors import SYSTEM
from apps.events.models import Event
from apps.fleet import edge
from apps.fleet.models import Certificate as Served
from apps.fleet.models import Route
from apps.fleet.services import key_of
from apps.tenancy.kinds import operator
from apps.tenancy.models import Domain
from dotmac.acme import check_chain
from dotmac.edge import KeptCertificate
from tests.certificates.world import (
    APPS,
    BASE,
    hurry,
    plan,
    row,
    serving,
    set_up,
    turn,
    until_valid,
)
from tests.dotmac.acme.authority import Authority, authority
from tests.dotmac.dns.server import DnsServer


def test_each_domain_gets_one_with_its_wildcard(
    live: str, pebble: Authority, server: DnsServer, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    set_up(pebble, server)
    plan()
    assert row().status == "wanted"
    until_valid(BASE, APPS)
    one, served = row(), Served.objects.get(name=BASE)
    assert one.hostnames == [BASE, f"*.{BASE}"]
    assert one.challenge == "dns-01"
    check_chain(served.chain, key_of(served), one.hostnames)
    assert one.renew_at == one.starts_at + (one.expires_at - one.starts_at) * 2 / 3
    assert (one.failures, one.order_url, one.order_key) == (0, "", "")
    assert "PRIVATE KEY" not in served.key
    assert key_of(served).reveal() not in caplog.text
    assert server.secret.reveal() not in caplog.text
    assert ChallengeAnswer.objects.count() == 0
    assert server.txt(f"_acme-challenge.{BASE}") == []
    with operator():
        edge.render()
    kept = [c for c in edge.edge().certificates if isinstance(c, KeptCertificate)]  # type: ignore[attr-defined]
    assert sorted(c.hostnames for c in kept) == sorted(
        tuple(sorted([domain, f"*.{domain}"])) for domain in (BASE, APPS)
    )
    events = Event.objects.filter(subject_id=str(one.uuid)).order_by("pk")
    assert list(events.values_list("type", flat=True)) == [
        "certificate.wanted",
        "certificate.ordered",
        "certificate.issued",
    ]
    before = pebble.orders()
    plan()
    turn()
    assert pebble.orders() == before


def test_a_renewal_at_two_thirds_has_a_new_key(
    live: str, pebble: Authority, server: DnsServer
) -> None:
    set_up(pebble, server)
    plan()
    until_valid(BASE, APPS)
    first = Served.objects.get(name=BASE)
    key = key_of(first).reveal()
    assert turn() == []
    now = timezone.now()
    Certificate.objects.filter(name=BASE).update(renew_at=now, next_at=now)
    turn()
    until_valid(BASE)
    second = Served.objects.get(name=BASE)
    assert second.chain != first.chain
    public = [
        load_pem_private_key(k.encode(), None).public_key() for k in (key, key_of(second).reveal())
    ]
    assert public[0] != public[1]
    assert IssuedCertificate.objects.filter(certificate=row()).count() == 2
    assert Event.objects.filter(type="certificate.renewed").count() == 1


def test_without_dns_each_host_is_proved_over_http(
    live: str, server: DnsServer, tmp_path_factory: pytest.TempPathFactory, client: Any
) -> None:
    folder = tmp_path_factory.mktemp("pebble")
    with authority(folder, dns=server.address) as pebble, serving(pebble.http_port):
        set_up(pebble)
        plan()
        hosts = {BASE, *Domain.objects.values_list("domain", flat=True)}
        assert set(Certificate.objects.values_list("name", flat=True)) == hosts
        assert {one.challenge for one in Certificate.objects.all()} == {"http-01"}
        until_valid(*hosts)
    # A stranger's token, at any host, says nothing and asks no schema.
    for host in (BASE, "nobody.example"):
        answer = client.get("/.well-known/acme-challenge/abc", headers={"host": host})
        assert answer.status_code == 404
        assert answer["content-type"].startswith("text/plain")


def test_hosts_come_and_go(live: str, pebble: Authority, server: DnsServer) -> None:
    set_up(pebble)
    Route.objects.create(hostname="shop.example.net", schema="c_acme")
    plan()
    assert row("shop.example.net").status == "wanted"
    Route.objects.all().delete()
    plan()
    assert row("shop.example.net").status == "ended"
    Route.objects.create(hostname="shop.example.net", schema="c_acme")
    plan()
    assert row("shop.example.net").status == "wanted"
    Route.objects.all().delete()
    set_up(pebble, server)
    plan()
    assert row().hostnames == [BASE, f"*.{BASE}"]
    wanted = Certificate.objects.exclude(status="ended").values_list("name", flat=True)
    assert set(wanted) == {BASE, APPS}
    until_valid(BASE, APPS)
    set_up(pebble, server, is_on=False)
    plan()
    hurry()
    assert turn() == []
    assert row().status == "valid"


def test_a_revoked_one_is_replaced_at_once(live: str, pebble: Authority, server: DnsServer) -> None:
    set_up(pebble, server)
    plan()
    until_valid(BASE, APPS)
    (issued,) = IssuedCertificate.objects.filter(certificate=row())
    with operator():
        services.revoke(row(), reason=1, actor=SYSTEM)
        with pytest.raises(BusyError):
            services.revoke(row(), reason=1, actor=SYSTEM)
    turn()
    until_valid(BASE)
    assert pebble.revoked(issued.serial)
    newest, oldest = IssuedCertificate.objects.filter(certificate=row())
    assert oldest.revoked_at is not None
    assert newest.revoked_at is None
    assert not pebble.revoked(newest.serial)
    assert Served.objects.get(name=BASE).chain == newest.chain
    assert Event.objects.filter(type="certificate.revoked").get().data["serial"] == issued.serial


def test_renew_now_asks_for_an_authority_and_waits_for_an_order(
    live: str, pebble: Authority, server: DnsServer
) -> None:
    made = Certificate.objects.create(name=BASE, hostnames=[BASE], challenge="dns-01")
    with operator(), pytest.raises(NotSetUpError):
        services.renew_now(made, actor=SYSTEM)
    set_up(pebble, server)
    with operator():
        services.renew_now(made, actor=SYSTEM)
        Certificate.objects.filter(pk=made.pk).update(status="ordering")
        with pytest.raises(BusyError):
            services.renew_now(made, actor=SYSTEM)


def test_terms_are_accepted_by_a_person_and_for_one_authority(
    live: str, pebble: Authority, server: DnsServer
) -> None:
    with pytest.raises(DomainError) as caught:
        set_up(pebble, server, accepts_terms=False)
    assert caught.value.field == "accepts_terms"
    first = set_up(pebble, server)
    assert first.terms_accepted_at is not None
    other = set_up(pebble, server, authority="staging", accepts_terms=False, is_on=False)
    assert other.terms_accepted_at is None
    assert other.key != first.key


def test_certificates_of_other_life_times_are_warned_of_in_time(
    live: str, server: DnsServer, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("pebble")
    with authority(folder, dns=server.address, life_s=6 * 86_400) as pebble:
        set_up(pebble, server)
        plan()
        until_valid(BASE, APPS)
    served = Served.objects.get(name=BASE)
    assert served.expires_at is not None
    assert served.warn_at is not None
    assert row().renew_at < served.warn_at < served.expires_at
    assert served.expires_at - served.warn_at < timedelta(days=2)
