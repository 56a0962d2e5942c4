"""Which DMARC record holds for a sender's domain, asked of a real name server."""

from collections.abc import Iterator

import dns.resolver
import pytest

from apps.branding.domains import BAD, OK, UNKNOWN, WARN, Check, check_domain
from tests.dotmac.dns.server import DnsServer, running

ZONES = ("hilltop.example", "bare.example", "hilltop.co.uk", "co.uk", "both.example")
RECORDS = {
    "_dmarc.hilltop.example": "v=DMARC1; p=none; sp=reject",
    "_dmarc.own.hilltop.example": "v=DMARC1; p=quarantine",
    "_dmarc.wrong.hilltop.example": "v=DMARC1; rua=mailto:x@hilltop.example",
    "_dmarc.other.hilltop.example": "nothing of the kind",
    "_dmarc.hilltop.co.uk": "v=DMARC1; p=reject",
    "_dmarc.co.uk": "v=DMARC1; p=reject; sp=none",
    "_dmarc.both.example": "v=DMARC1; p=reject; sp=none",
}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DnsServer]:
    """A name server with records of senders."""
    with running(tmp_path_factory.mktemp("dns"), ZONES) as found:
        for name, text in RECORDS.items():
            found.add(name, text)
        yield found


@pytest.fixture(autouse=True)
def _asks_it(server: DnsServer, monkeypatch: pytest.MonkeyPatch) -> None:
    resolver = dns.resolver.Resolver(configure=False)
    resolver.nameservers, resolver.port = ["127.0.0.1"], server.port
    monkeypatch.setattr(dns.resolver, "default_resolver", resolver)


def dmarc_of(domain: str) -> Check:
    return check_domain(domain)[2]


@pytest.mark.parametrize(
    ("domain", "tone", "holds"),
    [
        ("hilltop.example", WARN, "p=none; sp=reject"),
        ("own.hilltop.example", OK, "p=quarantine"),
        # One that says nothing is one all the same; what is no record at all is none.
        ("wrong.hilltop.example", BAD, "rua="),
        ("other.hilltop.example", OK, "sp=reject"),
        ("news.hilltop.example", OK, "sp=reject"),
        # However far below, and past those between.
        ("a.own.hilltop.example", OK, "sp=reject"),
        ("News.Hilltop.Example", OK, "sp=reject"),
        ("news.hilltop.co.uk", OK, "p=reject"),
        ("news.both.example", WARN, "sp=none"),
        # Registrars say nothing for who registers.
        ("news.other.co.uk", BAD, ""),
        ("bare.example", BAD, ""),
        ("news.bare.example", BAD, ""),
        # Nobody here knows it.
        ("news.unknown.test", UNKNOWN, ""),
    ],
)
def test_without_a_record_of_its_own_that_of_the_registered_domain_holds(
    domain: str, tone: str, holds: str
) -> None:
    found = dmarc_of(domain)
    assert found.tone == tone
    assert holds in found.found
    assert bool(found.found) == bool(holds)


def test_whose_it_is_and_what_to_change_is_said() -> None:
    assert dmarc_of("news.hilltop.example").text.startswith(
        "This domain has none of its own, so that of hilltop.example holds."
    )
    assert "choose sp=quarantine" in dmarc_of("news.both.example").text
    assert "choose p=quarantine" in dmarc_of("hilltop.example").text
    assert dmarc_of("news.bare.example").text.startswith("There is none.")
