import os
import socket
import ssl
import stat
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec

from dotmac.crypto import local_ca
from dotmac.crypto.local_ca import (
    CertificatePaths,
    LocalCaError,
    ensure_certificate,
    ensure_local_ca,
)

HOSTS = ["*.apps.localhost", "dotmac.localhost", "127.0.0.1"]
TODAY = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.fixture
def ca(tmp_path):
    return ensure_local_ca(tmp_path / "ca")


@pytest.fixture
def leaf(ca, tmp_path):
    return ensure_certificate(ca, tmp_path / "edge", HOSTS)


def _certificate(paths):
    return x509.load_pem_x509_certificate(paths.certificate.read_bytes())


def _extension(paths, kind):
    return _certificate(paths).extensions.get_extension_for_class(kind).value


@pytest.mark.parametrize("hostname", ["acme.apps.localhost", "dotmac.localhost", "127.0.0.1"])
def test_a_client_that_trusts_the_ca_accepts_the_server(ca, leaf, hostname):
    assert _handshake(leaf, ca, hostname) == b"hello"


def test_a_client_refuses_a_host_that_is_not_named(ca, leaf):
    with pytest.raises(ssl.SSLCertVerificationError, match="match"):
        _handshake(leaf, ca, "evil.localhost")


def test_a_client_that_trusts_another_ca_refuses_the_server(leaf, tmp_path):
    with pytest.raises(ssl.SSLCertVerificationError):
        _handshake(leaf, ensure_local_ca(tmp_path / "other"), "dotmac.localhost")


def _handshake(leaf, ca, hostname):
    """Greet through real TLS over a pair of connected sockets."""
    server = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    server.load_cert_chain(leaf.certificate, leaf.key)
    near, far = socket.socketpair()
    thread = threading.Thread(target=_greet, args=(server, far))
    thread.start()
    try:
        client = ssl.create_default_context(cafile=str(ca.certificate))
        client.verify_flags |= ssl.VERIFY_X509_STRICT
        with client.wrap_socket(near, server_hostname=hostname) as channel:
            return channel.recv(5)
    finally:
        near.close()
        thread.join(timeout=30)


def _greet(context, far):
    with far:
        try:
            with context.wrap_socket(far, server_side=True) as channel:
                channel.sendall(b"hello")
        except OSError:
            return


def test_ca_and_leaf_are_shaped_as_browsers_ask(ca, leaf):
    assert isinstance(_certificate(ca).public_key().curve, ec.SECP256R1)
    assert isinstance(_certificate(leaf).public_key().curve, ec.SECP256R1)
    assert _extension(ca, x509.BasicConstraints).ca
    assert not _extension(leaf, x509.BasicConstraints).ca
    with pytest.raises(x509.ExtensionNotFound):
        _extension(ca, x509.NameConstraints)
    assert set(_extension(leaf, x509.SubjectAlternativeName).get_values_for_type(x509.DNSName)) == {
        "*.apps.localhost",
        "dotmac.localhost",
    }


def test_the_ca_lasts_ten_years_and_the_leaf_397_days(ca, leaf):
    def life(paths):
        certificate = _certificate(paths)
        return certificate.not_valid_after_utc - certificate.not_valid_before_utc

    assert life(ca) == timedelta(days=3650)
    assert life(leaf) == timedelta(days=397)


def test_only_the_owner_reads_a_key_and_nothing_is_left_over(ca, leaf):
    for paths in (ca, leaf):
        assert stat.S_IMODE(paths.key.stat().st_mode) == 0o600
        assert stat.S_IMODE(paths.certificate.stat().st_mode) == 0o644
        names = {path.name for path in paths.key.parent.iterdir()}
        assert names == {paths.key.name, paths.certificate.name, ".lock"}


def test_a_second_call_changes_nothing(ca, leaf, tmp_path):
    before = [path.read_bytes() for path in (ca.certificate, ca.key, leaf.certificate, leaf.key)]
    again = ensure_local_ca(tmp_path / "ca")
    assert (
        ensure_certificate(again, tmp_path / "edge", reversed([h.upper() for h in HOSTS])) == leaf
    )
    after = [path.read_bytes() for path in (ca.certificate, ca.key, leaf.certificate, leaf.key)]
    assert after == before


@pytest.mark.parametrize(("remaining", "is_kept"), [(31, True), (29, False)])
def test_a_leaf_is_renewed_in_its_last_thirty_days(tmp_path, remaining, is_kept):
    with time_machine.travel(TODAY, tick=False) as clock:
        ca = ensure_local_ca(tmp_path / "ca")
        leaf = ensure_certificate(ca, tmp_path / "edge", HOSTS)
        first = _certificate(leaf)
        clock.move_to(first.not_valid_after_utc - timedelta(days=remaining))
        ensure_certificate(ca, tmp_path / "edge", HOSTS)
        assert (_certificate(leaf) == first) is is_kept


@pytest.mark.parametrize("hosts", [HOSTS[:2], [*HOSTS, "new.localhost"]])
def test_a_leaf_is_renewed_when_its_hostnames_differ(ca, leaf, tmp_path, hosts):
    first = _certificate(leaf)
    ensure_certificate(ca, tmp_path / "edge", hosts)
    assert _certificate(leaf) != first


def test_a_leaf_of_another_ca_is_replaced(leaf, tmp_path):
    other = ensure_local_ca(tmp_path / "other")
    ensure_certificate(other, tmp_path / "edge", HOSTS)
    assert _handshake(leaf, other, "dotmac.localhost") == b"hello"


@pytest.mark.parametrize("damage", ["", "not a certificate"])
@pytest.mark.parametrize("part", ["certificate", "key"])
def test_a_damaged_or_missing_leaf_is_replaced(ca, leaf, tmp_path, part, damage):
    path = getattr(leaf, part)
    path.write_text(damage) if damage else path.unlink()
    ensure_certificate(ca, tmp_path / "edge", HOSTS)
    assert _handshake(leaf, ca, "dotmac.localhost") == b"hello"


def test_a_leaf_whose_key_is_another_s_is_replaced(ca, leaf, tmp_path):
    stray = ensure_certificate(ca, tmp_path / "stray", HOSTS)
    leaf.key.write_bytes(stray.key.read_bytes())
    ensure_certificate(ca, tmp_path / "edge", HOSTS)
    assert _handshake(leaf, ca, "dotmac.localhost") == b"hello"


def test_a_damaged_ca_is_reported_and_not_replaced(ca, tmp_path):
    ca.key.write_text("not a key")
    with pytest.raises(LocalCaError, match="damaged"):
        ensure_local_ca(tmp_path / "ca")
    with pytest.raises(LocalCaError, match="damaged"):
        ensure_certificate(ca, tmp_path / "edge", HOSTS)
    assert ca.key.read_text() == "not a key"


def test_a_ca_half_written_by_a_killed_run_is_made_anew(ca, tmp_path):
    ca.certificate.unlink()
    ensure_local_ca(tmp_path / "ca")
    leaf = ensure_certificate(ca, tmp_path / "edge", HOSTS)
    assert _handshake(leaf, ca, "dotmac.localhost") == b"hello"


def test_a_ca_near_its_end_is_replaced_and_no_leaf_outlives_it(tmp_path):
    with time_machine.travel(TODAY, tick=False) as clock:
        ca = ensure_local_ca(tmp_path / "ca")
        first = _certificate(ca)
        clock.move_to(first.not_valid_after_utc - timedelta(days=100))
        leaf = ensure_certificate(ca, tmp_path / "edge", HOSTS)
        assert _certificate(leaf).not_valid_after_utc <= first.not_valid_after_utc
        clock.move_to(first.not_valid_after_utc - timedelta(days=29))
        ensure_local_ca(tmp_path / "ca")
        assert _certificate(ca) != first
        assert _certificate(ca).subject != first.subject


def test_a_leaf_without_a_ca_is_an_error(tmp_path):
    missing = CertificatePaths(tmp_path / "ca.pem", tmp_path / "ca-key.pem")
    with pytest.raises(LocalCaError, match="no local CA"):
        ensure_certificate(missing, tmp_path / "edge", HOSTS)


@pytest.mark.parametrize(
    "hosts", [[], [""], ["a b"], ["x" * 64 + ".test"], ["a..b"], ["https://a.test"], ["a.test\n.b"]]
)
def test_what_is_no_hostname_is_an_error(ca, tmp_path, hosts):
    with pytest.raises(LocalCaError, match="hostname"):
        ensure_certificate(ca, tmp_path / "edge", hosts)


def test_names_of_other_scripts_are_written_in_ascii(ca, tmp_path):
    leaf = ensure_certificate(ca, tmp_path / "edge", ["bücher.test", "*.bücher.test"])
    names = _extension(leaf, x509.SubjectAlternativeName).get_values_for_type(x509.DNSName)
    assert set(names) == {"xn--bcher-kva.test", "*.xn--bcher-kva.test"}


def test_two_starters_at_once_agree_on_one_ca(tmp_path):
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: _certificate(ensure_local_ca(tmp_path / "ca")), range(16)))
    assert len({certificate.serial_number for certificate in found}) == 1


def test_a_failed_write_leaves_the_old_files(ca, leaf, tmp_path, monkeypatch):
    before = leaf.key.read_bytes()

    def full(*_):
        raise OSError("No space left on device")

    monkeypatch.setattr(local_ca.os, "replace", full)
    with pytest.raises(OSError, match="space"):
        ensure_certificate(ca, tmp_path / "edge", ["new.localhost"])
    assert leaf.key.read_bytes() == before
    assert sorted(os.listdir(tmp_path / "edge")) == [".lock", "certificate.pem", "key.pem"]
