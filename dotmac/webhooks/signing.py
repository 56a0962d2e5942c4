"""Signatures of webhooks (standardwebhooks.com, version 1.0.0: symmetric, `v1`)."""

import base64
import binascii
import hashlib
import hmac
import secrets
import time
from collections.abc import Iterable, Mapping

from dotmac.crypto.secret import Secret

PREFIX = "whsec_"
ID, TIMESTAMP, SIGNATURE = "webhook-id", "webhook-timestamp", "webhook-signature"
TOLERANCE_S = 300
_SECRET_BYTES = 32
_VERSION = "v1"


class SignatureError(Exception):
    """The webhook is not from whom it says, was changed, or is too old; the message says which."""


def new_secret() -> Secret:
    """A secret of an endpoint: 32 random bytes in base64 behind `whsec_`."""
    return Secret(PREFIX + base64.b64encode(secrets.token_bytes(_SECRET_BYTES)).decode())


def sign(message_id: str, timestamp: int, body: bytes, keys: Iterable[Secret]) -> str:
    """The value of `webhook-signature`: one signature for each secret, parted by blanks."""
    return " ".join(f"{_VERSION},{_signature(message_id, timestamp, body, key)}" for key in keys)


def verify(
    headers: Mapping[str, str], body: bytes, secret: Secret, *, now: float | None = None
) -> None:
    """Check a webhook as its receiver; SignatureError when it must not be believed.

    Header names are looked for in lower case. During a rotation any of the signatures may fit.
    """
    try:
        message_id, signatures = headers[ID], headers[SIGNATURE]
        timestamp = int(headers[TIMESTAMP])
    except (KeyError, ValueError):
        raise SignatureError("The webhook has no id, time or signature.") from None
    if abs((time.time() if now is None else now) - timestamp) > TOLERANCE_S:
        raise SignatureError("The webhook is more than five minutes old, or from the future.")
    wanted = _signature(message_id, timestamp, body, secret).encode()
    for one in signatures.split(" "):
        version, _comma, signature = one.partition(",")
        if version == _VERSION and hmac.compare_digest(signature.encode(), wanted):
            return
    raise SignatureError("The signature does not fit: another secret, or another body.")


def _signature(message_id: str, timestamp: int, body: bytes, secret: Secret) -> str:
    content = f"{message_id}.{timestamp}.".encode() + body
    return base64.b64encode(hmac.new(_key(secret), content, hashlib.sha256).digest()).decode()


def _key(secret: Secret) -> bytes:
    try:
        return base64.b64decode(secret.reveal().removeprefix(PREFIX), validate=True)
    except binascii.Error:
        raise SignatureError("The secret is not base64 behind whsec_.") from None
