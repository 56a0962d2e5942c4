"""Certificates that the edge serves."""

from datetime import datetime, timedelta
from functools import lru_cache
from pathlib import Path

from cryptography import x509
from django.conf import settings
from django.db import transaction

from apps.fleet.models import Certificate
from apps.fleet.services.routes import want_render
from dotmac.crypto.fields import Cipher, parse_keys
from dotmac.crypto.secret import Secret

_KEY = "fleet_certificate.key"
WARN_BEFORE = timedelta(days=14)


@transaction.atomic
def set_certificate(
    *,
    name: str,
    hostnames: list[str],
    certificate_path: Path,
    key_path: Path,
    expires_at: datetime | None = None,
) -> Certificate:
    """Serve a certificate of this machine for some hostnames; the same again changes nothing."""
    content = {
        "hostnames": sorted(hostnames),
        "certificate_path": str(certificate_path),
        "key_path": str(key_path),
        "expires_at": expires_at,
        "warn_at": expires_at and expires_at - WARN_BEFORE,
    }
    found = Certificate.objects.filter(name=name, **content).first()
    if found is not None:
        return found
    want_render()
    return Certificate.objects.update_or_create(name=name, defaults=content)[0]


@transaction.atomic
def serve_certificate(
    *,
    name: str,
    hostnames: list[str],
    chain: str,
    key: Secret,
    expires_at: datetime,
    warn_at: datetime,
) -> Certificate:
    """Serve a chain with its key (PEM) at every edge, in place of what has the name now."""
    want_render()
    content = {
        "hostnames": sorted(hostnames),
        "certificate_path": "",
        "key_path": "",
        "chain": chain,
        "key": _cipher().encrypt(key.reveal(), context=_KEY),
        "expires_at": expires_at,
        "warn_at": warn_at,
    }
    return Certificate.objects.update_or_create(name=name, defaults=content)[0]


@transaction.atomic
def withdraw_certificate(name: str) -> bool:
    """Serve it no more, and keep no key of it; False where there is none."""
    rows = Certificate.objects.filter(name=name).exclude(chain="")
    if not rows.exists():
        return False
    want_render()
    return bool(rows.delete()[0])


def key_of(certificate: Certificate) -> Secret:
    """Its private key in PEM; CipherError without the key that it is encrypted with."""
    return Secret(_cipher().decrypt(certificate.key, context=_KEY))


def register_edge_certificate() -> Certificate | None:
    """Serve the certificate that set-up put on this machine; None when there is none."""
    certificate, key = Path(settings.EDGE_CERTIFICATE_FILE), Path(settings.EDGE_KEY_FILE)
    if not (certificate.is_file() and key.is_file()):
        return None
    parsed = x509.load_pem_x509_certificate(certificate.read_bytes())
    names = parsed.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    return set_certificate(
        name="edge",
        hostnames=names.get_values_for_type(x509.DNSName),
        certificate_path=certificate,
        key_path=key,
        expires_at=parsed.not_valid_after_utc,
    )


@lru_cache(maxsize=1)
def _cipher() -> Cipher:
    return Cipher(parse_keys(",".join(settings.FIELD_KEYS)))
