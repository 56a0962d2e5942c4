"""Certificates that the edge serves."""

from datetime import datetime
from pathlib import Path

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
