"""Short signed messages between DotMac's parts: JSON web tokens with Ed25519 and nothing else.

The purpose stands in the signed `typ` header (RFC 8725, 3.11), so that a token made for one use
never opens for another.
"""

import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Literal, cast

import jwt

from dotmac.crypto.keys import SigningKey, VerifyKey

ALGORITHM = "EdDSA"
MAXIMUM_LENGTH = 64 * 1024
CLOCK_SKEW = timedelta(seconds=5)
_REQUIRED = ["aud", "iss", "iat", "exp", "jti", "payload"]

Reason = Literal[
    "expired", "early", "signature", "key", "purpose", "audience", "issuer", "malformed"
]

_SENTENCES: Mapping[Reason, str] = {
    "expired": "This {label} has expired. Ask for a new one.",
    "early": "This {label} is dated in the future. Check the clocks of both machines.",
    "signature": "The signature of this {label} does not fit: it was changed or forged. "
    "Ask for a new one.",
    "key": "This {label} is signed by a key that is not trusted here. "
    "Ask for a new one; if that does not help, exchange the public keys again.",
    "purpose": "This is no {label}: it was signed for another use. Use the one made for this.",
    "audience": "This {label} was made for another address. Open it where it was made for.",
    "issuer": "This {label} was issued by somebody else than expected. Ask for a new one.",
    "malformed": "This {label} is incomplete or damaged. Ask for a new one.",
}
_LABELS = {
    "hand-off": "sign-in link",
    "support-visit": "support link",
    "grant": "grant",
    "usage-report": "usage report",
    "erasure-certificate": "certificate",
}


class TokenError(Exception):
    """A token was not accepted; `reason` is for code, the message is fit for a user."""

    def __init__(self, reason: Reason, *, purpose: str) -> None:
        label = _LABELS.get(purpose, "signed message")
        super().__init__(_SENTENCES[reason].format(label=label))
        self.reason: Reason = reason
        self.purpose = purpose


@dataclass(frozen=True)
class Claims:
    """What an accepted token says; times are aware and in UTC."""

    jti: str
    subject: str
    issuer: str
    key_id: str
    issued_at: datetime
    expires_at: datetime
    payload: Mapping[str, Any] = field(repr=False)


def sign(
    payload: Mapping[str, Any],
    key: SigningKey,
    *,
    purpose: str,
    audience: str,
    issuer: str,
    lifetime: timedelta,
    subject: str = "",
    issued_at: datetime | None = None,
) -> str:
    """Return a token with a fresh id; `payload` must be JSON; `issued_at` defaults to now."""
    start = issued_at or datetime.now(UTC)
    claims = {
        "jti": uuid.uuid4().hex,
        "sub": subject,
        "aud": audience,
        "iss": issuer,
        "iat": start,
        "exp": start + lifetime,
        "payload": dict(payload),
    }
    headers = {"kid": key.key_id, "typ": _type_of(purpose)}
    return jwt.encode(claims, key.private_key, algorithm=ALGORITHM, headers=headers)


def open_token(
    token: str,
    keys: Iterable[VerifyKey],
    *,
    purpose: str,
    audience: str,
    issuer: str | None = None,
    leeway: timedelta = CLOCK_SKEW,
) -> Claims:
    """Check signature, purpose, audience, issuer (when given) and times; raises TokenError.

    Whether a token was used before is the caller's to know, by `jti`.
    """
    key = _trusted_key(token, keys, purpose)
    try:
        opened = jwt.decode_complete(
            token,
            key.public_key,
            algorithms=[ALGORITHM],
            audience=audience,
            issuer=issuer,
            leeway=leeway,
            options={"require": _REQUIRED, "strict_aud": True},
        )
    except (jwt.InvalidTokenError, ValueError, TypeError, OverflowError) as error:
        raise TokenError(_refusal(token, error, purpose), purpose=purpose) from None
    if opened["header"].get("typ") != _type_of(purpose):
        raise TokenError("purpose", purpose=purpose)
    return _claims(opened["payload"], key, purpose)


def _type_of(purpose: str) -> str:
    return f"dotmac-{purpose}+jwt"


def _header(token: str, purpose: str) -> dict[str, Any]:
    if len(token) > MAXIMUM_LENGTH:
        raise TokenError("malformed", purpose=purpose)
    try:
        return jwt.get_unverified_header(token)
    except (jwt.InvalidTokenError, ValueError, RecursionError):
        raise TokenError("malformed", purpose=purpose) from None


def _trusted_key(token: str, keys: Iterable[VerifyKey], purpose: str) -> VerifyKey:
    """Choose by key id among the trusted keys, never by anything else the token says."""
    header = _header(token, purpose)
    if header.get("alg") != ALGORITHM:
        raise TokenError("signature", purpose=purpose)
    for key in keys:
        if key.key_id == header.get("kid"):
            return key
    raise TokenError("key", purpose=purpose)


_REASONS: tuple[tuple[type[Exception], Reason], ...] = (
    (jwt.InvalidSignatureError, "signature"),
    (jwt.InvalidAlgorithmError, "signature"),
    (jwt.ExpiredSignatureError, "expired"),
    (jwt.ImmatureSignatureError, "early"),
    (jwt.InvalidAudienceError, "audience"),
    (jwt.InvalidIssuerError, "issuer"),
)


def _refusal(token: str, error: Exception, purpose: str) -> Reason:
    """Name the reason; a token of another purpose is that first, whatever else is wrong."""
    reason = next((name for kind, name in _REASONS if isinstance(error, kind)), "malformed")
    if reason == "signature" or _header(token, purpose).get("typ") == _type_of(purpose):
        return cast(Reason, reason)
    return "purpose"


def _claims(body: Mapping[str, Any], key: VerifyKey, purpose: str) -> Claims:
    try:
        return Claims(
            jti=str(body["jti"]),
            subject=str(body.get("sub", "")),
            issuer=str(body["iss"]),
            key_id=key.key_id,
            issued_at=datetime.fromtimestamp(body["iat"], UTC),
            expires_at=datetime.fromtimestamp(body["exp"], UTC),
            payload=dict(body["payload"]),
        )
    except (ValueError, TypeError, OverflowError):
        raise TokenError("malformed", purpose=purpose) from None
