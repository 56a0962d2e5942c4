"""An account at a real authority: orders by DNS, problems in words, nonces, chains."""

import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509

from dotmac.acme import (
    DNS,
    Account,
    AcmeError,
    Binding,
    Facts,
    check_chain,
    new_key,
    read_chain,
    renewal_of,
    request_for,
)
from dotmac.acme.chains import topmost_issuer
from dotmac.crypto.secret import Secret
from tests.dotmac.acme.authority import HMAC_KEY, KEY_ID, Authority, authority
from tests.dotmac.dns.server import DnsServer, running

NAMES = ["dotmac.localhost", "*.dotmac.localhost"]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DnsServer]:
    with running(tmp_path_factory.mktemp("dns")) as made:
        yield made


@pytest.fixture(scope="module")
def pebble(tmp_path_factory: pytest.TempPathFactory, server: DnsServer) -> Iterator[Authority]:
    with authority(tmp_path_factory.mktemp("pebble"), dns=server.address) as made:
        yield made


def account_at(pebble: Authority, **how: Any) -> Account:
    return Account(pebble.directory, new_key(), roots=pebble.roots, timeout_s=10, **how)


def issue(account: Account, server: DnsServer, names: list[str], key: Secret, **how: Any) -> str:
    """A certificate by DNS, start to end."""
    order, way = account.new_order(names), server.by_updates()
    found = account.authorisations(order)
    for one in found:
        challenge = one.by(DNS)
        assert challenge is not None
        if one.status == "pending":
            way.add_txt(one.record, challenge.text)
            account.answer(challenge)
    order = settled(account, order.url, "pending")
    assert order.status == "ready", account.authorisations(order)
    account.finalise(order, request_for(names, key))
    order = settled(account, order.url, "processing", "ready")
    for one in found:
        way.remove_txt(one.record, one.by(DNS).text)  # type: ignore[union-attr]
    return account.chain(order, **how)


def settled(account: Account, url: str, *while_: str) -> Any:
    end = time.monotonic() + 60
    order = account.order(url)
    while order.status in while_ and time.monotonic() < end:
        time.sleep(0.1)
        order = account.order(url)
    return order


def test_apex_and_wildcard_are_one_order(pebble: Authority, server: DnsServer) -> None:
    with account_at(pebble) as account:
        terms = account.terms()
        assert terms.url
        assert not terms.needs_binding
        account.register(email="ops@dotmac.example")
        key = new_key()
        chain = issue(account, server, NAMES, key)
    facts = check_chain(chain, key, NAMES)
    assert sorted(facts.names) == sorted(NAMES)
    assert facts.issuer.startswith("Pebble Intermediate")
    leaf = x509.load_pem_x509_certificate(chain.encode())
    assert leaf.public_key().curve.name == "secp256r1"  # type: ignore[union-attr]
    life = facts.ends_at - facts.starts_at
    assert renewal_of(facts) == facts.starts_at + life * 2 / 3
    assert server.txt("_acme-challenge.dotmac.localhost") == []


def test_the_same_key_is_the_same_account_and_goes_on_with_an_order(pebble: Authority) -> None:
    key = new_key()
    roots = {"roots": pebble.roots}
    with Account(pebble.directory, key, **roots) as account:
        url = account.register()
        order = account.new_order(NAMES)
    with Account(pebble.directory, key, **roots) as account:
        assert account.register(email="other@dotmac.example") == url
    with Account(pebble.directory, key, account_url=url, **roots) as later:
        assert later.order(order.url).status == "pending"


def test_a_wrong_record_is_told_with_its_name(pebble: Authority, server: DnsServer) -> None:
    with account_at(pebble) as account:
        account.register()
        order = account.new_order(["apps.localhost"])
        (one,) = account.authorisations(order)
        challenge = one.by(DNS)
        assert challenge is not None
        account.answer(challenge)
        assert settled(account, order.url, "pending").status == "invalid"
        (one,) = account.authorisations(order)
    assert (one.shown_name, one.error) == (
        "apps.localhost",
        "No TXT records found for DNS challenge",
    )


def test_a_binding_is_asked_for_and_used(tmp_path: Path) -> None:
    with authority(tmp_path, binding=True) as pebble, account_at(pebble) as account:
        assert account.terms().needs_binding
        with pytest.raises(AcmeError, match="key id and HMAC key") as caught:
            account.register()
        assert caught.value.permanent
        with pytest.raises(AcmeError, match="refused"):
            account.register(binding=Binding(KEY_ID, Secret("d3Jvbmc")))
        binding = Binding(KEY_ID, Secret(HMAC_KEY))
        assert HMAC_KEY not in repr(binding)
        assert account.register(binding=binding)


def test_nonces_that_are_refused_are_replaced(tmp_path: Path, server: DnsServer) -> None:
    how = {"PEBBLE_WFE_NONCEREJECT": "40"}
    with authority(tmp_path, dns=server.address, **how) as pebble, account_at(pebble) as account:
        account.register()
        key = new_key()
        check_chain(issue(account, server, NAMES, key), key, NAMES)
        # Every answer that is taken brings the next nonce, so more are asked for after refusals.
        assert pebble.log.count("HEAD /nonce-plz") > 1


def test_of_several_chains_the_preferred_one_is_taken(tmp_path: Path, server: DnsServer) -> None:
    how = {"PEBBLE_ALTERNATE_ROOTS": "2", "PEBBLE_CHAIN_LENGTH": "2"}
    with authority(tmp_path, dns=server.address, **how) as pebble, account_at(pebble) as account:
        account.register()
        names, key = ["apps.localhost"], new_key()
        roots = [read_chain(pebble.issuing_root(number)).issuer for number in range(3)]
        assert len(set(roots)) == 3
        for root in roots:
            chain = issue(account, server, names, key, preferred=root)
            assert topmost_issuer(chain) == root
            check_chain(chain, key, names)
        assert issue(account, server, names, key, preferred="Nobody")


def test_a_chain_of_another_key_other_names_or_broken_is_refused(
    pebble: Authority, server: DnsServer
) -> None:
    with account_at(pebble) as account:
        account.register()
        key = new_key()
        chain = issue(account, server, ["apps.localhost"], key)
    with pytest.raises(AcmeError, match="another key"):
        check_chain(chain, new_key(), ["apps.localhost"])
    with pytest.raises(AcmeError, match=r"lacks other\.localhost"):
        check_chain(chain, key, ["apps.localhost", "other.localhost"])
    leaf = chain[: chain.index("-----END CERTIFICATE-----")] + "-----END CERTIFICATE-----\n"
    stranger = Path(pebble.roots_file).read_text()
    with pytest.raises(AcmeError, match="did not sign"):
        check_chain(leaf + stranger, key, ["apps.localhost"])
    with pytest.raises(AcmeError, match="no certificate"):
        read_chain("nothing")


def test_a_revoked_certificate_is_revoked_at_the_authority(
    pebble: Authority, server: DnsServer
) -> None:
    with account_at(pebble) as account:
        account.register()
        chain = issue(account, server, ["apps.localhost"], new_key())
        facts: Facts = read_chain(chain)
        assert not pebble.revoked(facts.serial)
        account.revoke(chain, 4)
        assert pebble.revoked(facts.serial)
        account.revoke(chain, 4)
        assert account.renewal_time(chain) is None


def test_an_authority_that_is_away_silent_or_untrusted_is_told_apart(tmp_path: Path) -> None:
    with authority(tmp_path) as pebble:
        with (
            Account(pebble.directory, new_key()) as strict,
            pytest.raises(AcmeError, match="not trusted here"),
        ):
            strict.terms()
        with Account(pebble.directory, new_key(), roots=pebble.roots, timeout_s=0.5) as account:
            pebble.freeze()
            with pytest.raises(AcmeError, match="did not answer in time") as caught:
                account.terms()
            assert not caught.value.permanent
            pebble.thaw()
            pebble.kill()
            with pytest.raises(AcmeError, match="cannot be reached"):
                account.terms()


def test_a_lost_order_and_a_lost_account_are_told_apart(pebble: Authority) -> None:
    with account_at(pebble) as account:
        account.register()
        with pytest.raises(AcmeError) as caught:
            account.order(f"https://localhost:{pebble.port}/my-order/nothing")
        assert caught.value.code == "lost"
        nobody = account_at(pebble, account_url=f"https://localhost:{pebble.port}/my-account/99999")
        with nobody, pytest.raises(AcmeError) as caught:
            nobody.new_order(NAMES)
        assert caught.value.code == "accountDoesNotExist"


@pytest.mark.parametrize(
    ("status", "header", "seconds"), [(429, "120", 120.0), (503, "", 60.0), (429, "soon", 60.0)]
)
def test_who_asks_to_wait_is_waited_for(status: int, header: str, seconds: float) -> None:
    """Pebble has no limits, so a server says what Boulder would."""

    class Limit(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = (
                b'{"type": "urn:ietf:params:acme:error:rateLimited", "detail": "too many orders"}'
            )
            self.send_response(status)
            if header:
                self.send_header("Retry-After", header)
            self.send_header("Content-Type", "application/problem+json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            """Tests are quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Limit)
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    try:
        with (
            Account(f"http://127.0.0.1:{server.server_port}/dir", new_key()) as account,
            pytest.raises(AcmeError, match="too many orders") as caught,
        ):
            account.terms()
        assert caught.value.retry_after_s == seconds
    finally:
        server.shutdown()
        server.server_close()
