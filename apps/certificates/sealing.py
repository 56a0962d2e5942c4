"""Encryption of what is secret in this app's rows."""

from functools import lru_cache

from django.conf import settings

from dotmac.crypto.fields import Cipher, parse_keys
from dotmac.crypto.secret import Secret

BINDING = "certificates_acmeaccount.binding_key"
ACCOUNT_KEY = "certificates_acmeaccount.key"
DNS_SECRET = "certificates_acmeaccount.dns_secret"  # nosec B105 - the name of a column
ORDER_KEY = "certificates_certificate.order_key"


def seal(value: Secret, context: str) -> str:
    """A secret as it is stored."""
    return _cipher().encrypt(value.reveal(), context=context)


def unseal(stored: str, context: str) -> Secret:
    """What was stored; CipherError without the key that it is encrypted with."""
    return Secret(_cipher().decrypt(stored, context=context))


@lru_cache(maxsize=1)
def _cipher() -> Cipher:
    return Cipher(parse_keys(",".join(settings.FIELD_KEYS)))
