"""The RSA keys that sign ID tokens: from the settings, or a kept file where it is developed."""

import os
import secrets
from pathlib import Path

from allauth.idp.oidc.models import PrivateKey
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from django.conf import settings

_BITS = 2048


def private_keys() -> list[PrivateKey]:
    """The newest first: it signs, all are published. None where no key is set."""
    given = [pem.replace("\\n", "\n") for pem in settings.OIDC_SIGNING_KEYS]
    if not given and settings.DEVELOPMENT:
        given = [_kept_pem(Path(settings.VAR_DIR) / "keys" / "oidc.pem")]
    return [PrivateKey(pem=pem) for pem in given]


def is_ready() -> bool:
    """Whether this installation can sign anybody into another tool."""
    return bool(settings.OIDC_SIGNING_KEYS) or bool(settings.DEVELOPMENT)


def _kept_pem(file: Path) -> str:
    """The key of a development machine, made once; two processes agree on the first one's."""
    if not file.is_file():
        file.parent.mkdir(parents=True, exist_ok=True)
        new = file.with_name(f"{file.name}.{secrets.token_hex(4)}")
        descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as output:
            output.write(_new_pem())
        try:
            os.link(new, file)
        except FileExistsError:
            pass
        finally:
            new.unlink()
    return file.read_text()


def _new_pem() -> bytes:
    return rsa.generate_private_key(public_exponent=65537, key_size=_BITS).private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
