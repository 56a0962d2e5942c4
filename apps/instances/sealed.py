"""The settings of an instance and of its deployments: encrypted in their rows.

They are decrypted only to make containers.
"""

import json
from functools import lru_cache

from django.conf import settings

from apps.instances.models import Deployment, Instance
from dotmac.crypto.fields import Cipher, parse_keys

_CONTEXT = "instances.instance.sealed"


@lru_cache(maxsize=1)
def _cipher() -> Cipher:
    return Cipher(parse_keys(",".join(settings.FIELD_KEYS)))


def opened(row: Instance | Deployment) -> dict[str, str]:
    """What was set, generated and kept, by name."""
    if not row.sealed:
        return {}
    values: dict[str, str] = json.loads(_cipher().decrypt(row.sealed, context=_CONTEXT))
    return values


def seal(values: dict[str, str]) -> str:
    """The encrypted form for the row."""
    return _cipher().encrypt(json.dumps(values, sort_keys=True), context=_CONTEXT)
