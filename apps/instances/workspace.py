"""What the platform tells a dedicated workspace about itself: its environment."""

import base64
import secrets

from django.conf import settings

from apps.accounts.keys import verify_keys
from apps.accounts.models import User
from apps.instances.constants import WORKSPACE_APP
from apps.instances.models import Instance
from apps.tenancy.kinds import current_schema, operator
from apps.tenants.models import Organisation
from dotmac.crypto.keys import SigningKey


def organisation_here() -> Organisation:
    """The ISP whose console this is."""
    return Organisation.objects.select_related("workspace").get(
        console__schema_name=current_schema()
    )


def platform_settings(instance: Instance, kept: dict[str, str]) -> dict[str, str]:
    """Settings that the platform gives to an app of its own; none to any other."""
    if instance.app != WORKSPACE_APP:
        return {}
    organisation = organisation_here()
    assert organisation.workspace is not None
    with operator():
        owner = User.objects.get(uuid=organisation.owner)
    return {
        "WORKSPACE_UUID": str(organisation.workspace.uuid),
        "WORKSPACE_SCHEMA": organisation.workspace.schema_name,
        "WORKSPACE_SLUG": organisation.slug,
        "WORKSPACE_NAME": organisation.name,
        "WORKSPACE_HOSTNAMES": instance.hostname,
        "OWNER_EMAIL": owner.email,
        "OWNER_IDENTITY": str(owner.uuid),
        "BASE_DOMAIN": settings.BASE_DOMAIN,
        "APPS_DOMAIN": settings.APPS_DOMAIN,
        "PLATFORM_SCHEME": settings.PLATFORM_SCHEME,
        "MAIL_CAUGHT": "1" if settings.DEVELOPMENT else "0",
        "EDGE_HTTP_PORT": str(settings.EDGE_HTTP_PORT),
        "EDGE_HTTPS_PORT": str(settings.EDGE_HTTPS_PORT),
        "PLATFORM_VERIFY_KEYS": ",".join(_one_line(key.to_pem()) for key in verify_keys()),
        "FIELD_KEYS": kept.get("FIELD_KEYS")
        or base64.urlsafe_b64encode(secrets.token_bytes(32)).decode(),
        "INSTANCE_SIGNING_KEY": kept.get("INSTANCE_SIGNING_KEY")
        or _one_line(SigningKey.generate().to_pem().reveal()),
    }


def _one_line(pem: str) -> str:
    """PEM in one line, as environments carry it; the reader accepts it."""
    return pem.strip().replace("\n", "\\n")
