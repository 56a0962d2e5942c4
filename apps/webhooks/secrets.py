"""Secrets of endpoints, encrypted where they lie."""

from functools import lru_cache

from django.conf import settings
from django.utils import timezone

from apps.webhooks.models import Endpoint
from dotmac.crypto.fields import Cipher, parse_keys
from dotmac.crypto.secret import Secret

_PLACE = "webhooks_endpoint.secret"


def encrypted(secret: Secret) -> str:
    """The text that is stored."""
    return _cipher().encrypt(secret.reveal(), context=_PLACE)


def secrets_of(endpoint: Endpoint) -> list[Secret]:
    """The secret, and the one of before while it still counts; CipherError without their key."""
    stored = [endpoint.secret]
    if endpoint.old_secret_until and endpoint.old_secret_until > timezone.now():
        stored.append(endpoint.old_secret)
    return [Secret(_cipher().decrypt(text, context=_PLACE)) for text in stored]


@lru_cache(maxsize=1)
def _cipher() -> Cipher:
    return Cipher(parse_keys(",".join(settings.FIELD_KEYS)))
