"""What opens a place and the backups there: encrypted in its row, with the installation's keys."""

from functools import lru_cache

from django.conf import settings

from apps.backups.models import BackupTarget
from dotmac.crypto.fields import Cipher, parse_keys
from dotmac.crypto.secret import Secret

_SECRET, _KEY = "backups_target.secret", "backups_target.key"  # nosec B105


def opened(secret: str) -> Secret:
    """A place's own, as its row keeps it; CipherError without the keys of this installation."""
    return Secret(cipher().decrypt(secret, context=_SECRET) if secret else "")


def closed(secret: Secret) -> str:
    """The reverse."""
    return cipher().encrypt(secret.reveal(), context=_SECRET)


def key_of(row: BackupTarget) -> Secret:
    """What opens the backups, wherever they lie; CipherError as above."""
    return Secret(cipher().decrypt(row.key, context=_KEY))


def closed_key(key: Secret) -> str:
    """The reverse."""
    return cipher().encrypt(key.reveal(), context=_KEY)


@lru_cache(maxsize=1)
def cipher() -> Cipher:
    """Of the installation's keys."""
    return Cipher(parse_keys(",".join(settings.FIELD_KEYS)))
