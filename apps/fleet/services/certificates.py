"""Certificates that the edge serves."""

from datetime import datetime
from pathlib import Path

from cryptography import x509
from django.conf import settings
from django.db import transaction

from apps.fleet.models import Certificate
from apps.fleet.services.routes import want_render


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
    }
    found = Certificate.objects.filter(name=name, **content).first()
    if found is not None:
        return found
    want_render()
    return Certificate.objects.update_or_create(name=name, defaults=content)[0]


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
