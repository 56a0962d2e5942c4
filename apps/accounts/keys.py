"""The platform's key pair, which signs hand-offs and grants, and the keys that open them."""

import os
import secrets
from functools import lru_cache
from pathlib import Path

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from dotmac.crypto.keys import SigningKey, VerifyKey

_PLATFORM = "platform"


def signing_key() -> SigningKey:
    """The platform's private key; ImproperlyConfigured where there is none."""
    if settings.ROLE != _PLATFORM:
        raise ImproperlyConfigured("Only the platform signs. This process runs in another role.")
    if settings.PLATFORM_SIGNING_KEY:
        return _signing_key(settings.PLATFORM_SIGNING_KEY.replace("\\n", "\n"))
    if not settings.DEVELOPMENT:
        raise ImproperlyConfigured("PLATFORM_SIGNING_KEY is empty. Set an Ed25519 key in PEM.")
    return _signing_key(_kept_pem(Path(settings.VAR_DIR) / "keys" / "platform.pem"))


def verify_keys() -> tuple[VerifyKey, ...]:
    """The public keys whose signatures count here: the platform's, older ones of it included."""
    given = tuple(_verify_key(pem.replace("\\n", "\n")) for pem in settings.PLATFORM_VERIFY_KEYS)
    return (signing_key().public, *given) if settings.ROLE == _PLATFORM else given


@lru_cache(maxsize=8)
def _signing_key(pem: str) -> SigningKey:
    return SigningKey.from_pem(pem)


@lru_cache(maxsize=8)
def _verify_key(pem: str) -> VerifyKey:
    return VerifyKey.from_pem(pem)


def _kept_pem(file: Path) -> str:
    """The key of a development machine, made once; two processes agree on the first one's."""
    if not file.is_file():
        file.parent.mkdir(parents=True, exist_ok=True)
        new = file.with_name(f"{file.name}.{secrets.token_hex(4)}")
        descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as output:
            output.write(SigningKey.generate().to_pem().reveal())
        try:
            os.link(new, file)
        except FileExistsError:
            pass
        finally:
            new.unlink()
    return file.read_text()
