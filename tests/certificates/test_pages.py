"""The set-up page, certificates and what can be done, over pages and the API."""

from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from apps.accounts.models import Membership, User
from apps.certificates import environment
from apps.certificates.accounts import account_as_it_is, account_in_force, provider_of
from apps.certificates.models import AcmeAccount, Certificate, IssuedCertificate
from apps.certificates.sealing import DNS_SECRET, unseal
from apps.tenancy.kinds import operator
from dotmac.crypto.secret import Secret
from dotmac.dns import PowerDns
from tests.api.conftest import Program, key_in
from tests.certificates.world import BASE, set_up
from tests.dotmac.acme.authority import Authority
from tests.dotmac.dns.server import DnsServer
from tests.pages.conftest import OPERATOR_HOST, browser

SETUP = "/admin/certificates/acmeaccount/"


@pytest.fixture
def olga(operator_schema: None) -> Client:
    """An owner."""
    return signed_in("olga", is_superuser=True)


@pytest.fixture
def certificate(operator_schema: None) -> Certificate:
    """One that is valid."""
    now = timezone.now()
    facts = {"issuer": "R11", "starts_at": now, "expires_at": now}
    row = Certificate.objects.create(
        name=BASE, hostnames=[BASE], challenge="dns-01", status="valid", next_at=None, **facts
    )
    IssuedCertificate.objects.create(
        certificate=row, hostnames=[BASE], serial="abc123", fingerprint="f", chain="x", **facts
    )
    return row


def signed_in(name: str, role: str = "", **rights: bool) -> Client:
    with operator():
        user = User.objects.create_user(f"{name}@dotmac.example", is_staff=True, **rights)
        if role:
            Membership.objects.create(user=user, role=role)
        client = browser(OPERATOR_HOST)
        client.force_login(user)
    return client


def entered(**changes: object) -> dict[str, object]:
    """What an owner fills in."""
    known = {
        "version": 0,
        "authority": "own",
        "own_directory": "https://ca.example/directory",
        "email": "ops@dotmac.example",
        "accepts_terms": "on",
        "dns_kind": "rfc2136",
        "dns_server": "192.0.2.1:53",
        "dns_key_name": "dotmac-key",
        "dns_algorithm": "hmac-sha256",
        "dns_secret": "c2VjcmV0LXNlY3JldA==",
        "is_on": "on",
    }
    return {**known, **changes}


def test_an_owner_sets_it_up_and_no_secret_is_shown(olga: Client) -> None:
    assert olga.get(SETUP).status_code == 200
    answer = olga.post(SETUP, entered(), follow=True)
    assert b"It is saved" in answer.content
    assert b"c2VjcmV0" not in answer.content
    assert b"A secret is kept." in answer.content
    row = account_in_force()
    assert row is not None
    assert "c2VjcmV0" not in row.dns_secret
    assert unseal(row.dns_secret, DNS_SECRET) == Secret("c2VjcmV0LXNlY3JldA==")
    # Saved again without it, the secret stays; of another server it would not.
    olga.post(SETUP, entered(version=1, dns_secret=""))
    assert account_as_it_is().dns_secret == row.dns_secret
    answer = olga.post(SETUP, entered(version=2, dns_secret="", dns_server="192.0.2.9"))
    assert b"Enter the secret that belongs to this server." in answer.content


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"own_directory": ""}, b"Enter the directory"),
        ({"accepts_terms": ""}, b"once you accept the terms"),
        ({"dns_server": "http://x/"}, b"Enter the server"),
        ({"dns_key_name": ""}, b"Enter the name of the key"),
        ({"binding_key_id": "kid"}, b"Enter the HMAC key"),
        ({"roots": "nothing"}, b"no certificate in PEM"),
        ({"version": 7}, b"Somebody else has changed this"),
    ],
)
def test_a_mistake_is_told_at_its_field(olga: Client, changes: Any, said: bytes) -> None:
    assert said in olga.post(SETUP, entered(**changes)).content
    assert account_in_force() is None


def test_the_check_asks_authority_and_dns(
    olga: Client, pebble: Authority, server: DnsServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The test itself is a transaction.
    monkeypatch.undo()
    set_up(pebble, server)
    page = olga.post(f"{SETUP}check/").content
    assert b"It answers." in page
    assert page.count(b"A record was written, seen and removed again.") == 2
    assert account_as_it_is().terms_url.startswith("data:") is False
    AcmeAccount.objects.update(
        dns_server=f"127.0.0.1:{server.api_port}", own_directory="https://localhost:1/"
    )
    page = olga.post(f"{SETUP}check/").content
    assert b"localhost:1 cannot be reached." in page
    assert page.count(b"The DNS server 127.0.0.1 ") == 2


def test_certificates_are_renewed_and_revoked_by_those_who_may(
    olga: Client, certificate: Certificate, pebble: Authority
) -> None:
    path = f"/admin/certificates/certificate/{certificate.pk}"
    viewer, technician = signed_in("vic", "viewer"), signed_in("theo", "technician")
    for client in (olga, viewer, technician):
        page = client.get(f"{path}/change/")
        assert b"abc123" in page.content
    assert b"Renew now" not in viewer.get(f"{path}/change/").content
    for client in (viewer, technician):
        assert client.get(SETUP).status_code == 403
    assert viewer.post(f"{path}/renew/").status_code == 403
    technician.post(f"{path}/renew/")
    certificate.refresh_from_db()
    assert certificate.next_at is None
    set_up(pebble)
    assert b"Renew now" in technician.get(f"{path}/change/").content
    technician.post(f"{path}/renew/")
    certificate.refresh_from_db()
    assert certificate.next_at is not None
    assert viewer.post(f"{path}/revoke/", {"reason": "1"}).status_code == 403
    technician.post(f"{path}/revoke/", {"reason": "99"})
    certificate.refresh_from_db()
    assert certificate.revoke_reason is None
    technician.post(f"{path}/revoke/", {"reason": "1"})
    certificate.refresh_from_db()
    assert certificate.revoke_reason == 1


def test_programs_list_and_renew(certificate: Certificate, pebble: Authority) -> None:
    program = Program(OPERATOR_HOST, key_in("public", "sync@dotmac.example", is_superuser=True))
    (shown,) = program.get("certificates/").json()["results"]
    assert shown["name"] == BASE
    assert shown["status"] == "valid"
    assert not {"key", "order_key", "order_url"} & set(shown)
    answer = program.post(f"certificates/{certificate.uuid}/renew/")
    assert answer.status_code == 409
    assert answer.json()["code"] == "not_set_up"
    set_up(pebble)
    assert program.post(f"certificates/{certificate.uuid}/renew/").status_code == 200


def test_in_production_the_home_asks_for_an_authority(
    olga: Client, pebble: Authority, settings: Any, certificate: Certificate
) -> None:
    step = b"Set up the certificate authority"
    assert step not in olga.get("/admin/").content
    settings.DEVELOPMENT = False
    assert step in olga.get("/admin/").content
    Certificate.objects.update(is_told=True, last_error="The DNS server is away.")
    page = olga.get("/admin/").content.decode()
    assert f"The certificate for {BASE} is not obtained" in page
    assert "The DNS server is away." in page


def test_the_environment_sets_it_up_at_each_start(
    operator_schema: None, settings: Any, pebble: Authority
) -> None:
    assert not environment.set_up()
    settings.ACME_DIRECTORY = pebble.directory
    settings.ACME_ACCEPTS_TERMS, settings.ACME_EMAIL = True, "ops@dotmac.example"
    settings.ACME_ROOTS_FILE = str(pebble.roots_file)
    settings.DNS_PROVIDER, settings.DNS_SERVER = "powerdns", "https://dns.example:8081"
    settings.DNS_SECRET = "an-api-key"
    assert environment.set_up()
    row = account_in_force()
    assert row is not None
    assert row.directory == pebble.directory
    provider = provider_of(row)
    assert isinstance(provider, PowerDns)
    assert provider.api_key == Secret("an-api-key")
    assert not environment.set_up()
    settings.ACME_DIRECTORY = "staging"
    assert environment.set_up()
    assert account_as_it_is().directory.startswith("https://acme-staging-v02.")
