"""What every archive has: whether its encrypted fields can be read where it arrives."""

from typing import Any

from django.conf import settings
from django.utils.translation import gettext as _

from apps.tenancy.transfer.registry import Arrival, Luggage, brings
from dotmac.crypto.fields import Cipher, CipherError, parse_keys

_PLACE = "tenancy.transfer.probe"


def _pack(_cursor: Any, schema: str) -> str | None:
    """A word encrypted with the first key, as the fields are."""
    if not settings.FIELD_KEYS:
        return None
    return _cipher().encrypt(schema, context=_PLACE)


def _unpack(arrival: Arrival, packed: Any) -> None:
    """Tell where the keys of before are missing; what they encrypted stays as it is."""
    if packed is None:
        return
    try:
        if settings.FIELD_KEYS and _cipher().decrypt(str(packed), context=_PLACE):
            return
    except CipherError:
        pass
    arrival.notes.append(
        _(
            "Its encrypted fields (second factors, passwords of mail servers, secrets of webhooks"
            " and identity providers) open with none of the keys here. Add the FIELD_KEYS of where"
            " it came from behind those of this installation."
        )
    )


def _cipher() -> Cipher:
    return Cipher(parse_keys(",".join(settings.FIELD_KEYS)))


brings("keys", Luggage(_pack, _unpack))
