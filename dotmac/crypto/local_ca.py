"""A certificate authority of this machine's own, for HTTPS without an account anywhere."""

import fcntl
import ipaddress
import os
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

CA_LIFETIME = timedelta(days=3650)
LEAF_LIFETIME = timedelta(days=397)
RENEW_BEFORE = timedelta(days=30)
# Clocks of containers and phones run a little behind.
_BACKDATED = timedelta(minutes=5)


class LocalCaError(Exception):
    """The local CA cannot be used; the message says which file and what to do."""


@dataclass(frozen=True)
class CertificatePaths:
    """Two PEM files: the certificate may be read by everyone, the key (0600) by its owner."""

    certificate: Path
    key: Path


@dataclass(frozen=True)
class _Pair:
    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey


def ensure_local_ca(directory: Path) -> CertificatePaths:
    """Make the CA (EC P-256, 10 years) unless a lasting one is there; raises LocalCaError.

    A CA that cannot be read is an error and not replaced: browsers were told to trust it.
    """
    paths = CertificatePaths(directory / "ca.pem", directory / "ca-key.pem")
    with _locked(directory):
        pair = _read_ca(paths)
        if pair is None or not _lasts(pair.certificate):
            _write(paths, _make_ca())
    return paths


def ensure_certificate(
    ca: CertificatePaths, directory: Path, hostnames: Iterable[str]
) -> CertificatePaths:
    """Make a server certificate (397 days) for `hostnames`: names, wildcards, IP addresses.

    A present one is kept while this CA signed it, it names the same hosts and 30 days remain.
    Raises LocalCaError when the CA is missing or a name is not one.
    """
    names = _general_names(hostnames)
    authority = _read_ca(ca)
    if authority is None:
        raise LocalCaError(f"There is no local CA at {ca.certificate}; make it first.")
    paths = CertificatePaths(directory / "certificate.pem", directory / "key.pem")
    with _locked(directory):
        if not _is_current(_read_pair(paths), authority, names):
            _write(paths, _make_leaf(authority, names))
    return paths


def _is_current(pair: _Pair | None, authority: _Pair, names: list[x509.GeneralName]) -> bool:
    if pair is None or not _lasts(pair.certificate):
        return False
    try:
        pair.certificate.verify_directly_issued_by(authority.certificate)
        present = pair.certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    except (InvalidSignature, ValueError, TypeError, x509.ExtensionNotFound):
        return False
    return set(present.value) == set(names)


def _lasts(certificate: x509.Certificate) -> bool:
    now = datetime.now(UTC)
    starts, ends = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    return starts <= now and now + RENEW_BEFORE <= ends


def _general_names(hostnames: Iterable[str]) -> list[x509.GeneralName]:
    wanted = sorted({name.strip().lower() for name in hostnames})
    if not wanted:
        raise LocalCaError("A certificate needs at least one hostname; none was given.")
    return [_general_name(name) for name in wanted]


def _general_name(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        pass
    try:
        return x509.DNSName(_ascii(name))
    except ValueError:
        raise LocalCaError(f"{name!r} is no hostname; remove it from the list.") from None


def _ascii(name: str) -> str:
    """Return the name in its ASCII form; raises ValueError (UnicodeError is one)."""
    encoded = name.encode("idna").decode("ascii")
    plain = encoded.removeprefix("*.").replace("-", "").replace(".", "").replace("_", "")
    if not plain.isalnum():
        raise ValueError(name)
    return encoded


def _make_ca() -> _Pair:
    key = ec.generate_private_key(ec.SECP256R1())
    identifier = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
    # The key's digest in the name: a trust store that keeps an older CA of ours beside this one
    # can tell them apart.
    name = _name(f"DotMac local CA {identifier.digest.hex()[:8]}")
    builder = (
        _builder(name, name, key, datetime.now(UTC) + CA_LIFETIME)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_key_usage(signs_certificates=True), critical=True)
    )
    return _Pair(builder.sign(key, hashes.SHA256()), key)


def _make_leaf(authority: _Pair, names: list[x509.GeneralName]) -> _Pair:
    key = ec.generate_private_key(ec.SECP256R1())
    issuer_key = authority.certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier)
    identifier = x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(issuer_key.value)
    ends = min(datetime.now(UTC) + LEAF_LIFETIME, authority.certificate.not_valid_after_utc)
    builder = (
        _builder(_name("DotMac local edge"), authority.certificate.subject, key, ends)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_key_usage(signs_certificates=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(identifier, critical=False)
    )
    return _Pair(builder.sign(authority.key, hashes.SHA256()), key)


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey, ends: datetime
) -> x509.CertificateBuilder:
    identifier = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(datetime.now(UTC) - _BACKDATED)
        .not_valid_after(ends - _BACKDATED)
        .add_extension(identifier, critical=False)
    )


def _name(common_name: str) -> x509.Name:
    organisation = x509.NameAttribute(NameOID.ORGANIZATION_NAME, "DotMac")
    return x509.Name([organisation, x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def _key_usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _read_ca(paths: CertificatePaths) -> _Pair | None:
    """Return the CA, or None when a file of it is missing; raises LocalCaError on damage."""
    if not (paths.certificate.exists() and paths.key.exists()):
        return None
    pair = _read_pair(paths)
    if pair is None:
        raise LocalCaError(
            f"The local CA in {paths.certificate.parent} is damaged: {paths.certificate.name} and "
            f"{paths.key.name} do not belong together. Restore them, or remove both and trust "
            "the new CA that is made then."
        )
    return pair


def _read_pair(paths: CertificatePaths) -> _Pair | None:
    """Return certificate and key, or None when they are missing, damaged or no pair."""
    try:
        certificate = x509.load_pem_x509_certificate(paths.certificate.read_bytes())
        key = load_pem_private_key(paths.key.read_bytes(), password=None)
    except (FileNotFoundError, ValueError, TypeError):
        return None
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        return None
    return _Pair(certificate, key) if key.public_key() == certificate.public_key() else None


def _write(paths: CertificatePaths, pair: _Pair) -> None:
    """Write the key first: a certificate without its key would look complete to a reader."""
    key = pair.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    _replace(paths.key, key, mode=0o600)
    _replace(paths.certificate, pair.certificate.public_bytes(Encoding.PEM), mode=0o644)


def _replace(path: Path, content: bytes, *, mode: int) -> None:
    """Put the content in place in one step, so that no reader sees half of it."""
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-")
    try:
        with open(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fchmod(descriptor, mode)
            os.fsync(descriptor)
        os.replace(name, path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


@contextmanager
def _locked(directory: Path) -> Iterator[None]:
    """Hold the directory, made when missing, against other processes of this machine."""
    directory.mkdir(parents=True, exist_ok=True)
    with open(directory / ".lock", "w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
