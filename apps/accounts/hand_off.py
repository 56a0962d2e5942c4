"""Signed messages that bring a person from the operator's host to a console or workspace.

The host a person wants to enter first sets a random cookie and sends its SHA-256, the state, to
the operator. The state comes back inside the signed message, so that a message taken from one
browser is of no use in another.
"""

import hashlib
import hmac
import re
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID

from django.conf import settings

from apps.accounts.exceptions import HandOffError, Reason
from apps.accounts.keys import signing_key, verify_keys
from dotmac.crypto.contracts import (
    HAND_OFF_LIFETIME,
    HandOff,
    SupportVisit,
    open_hand_off,
    sign_support_visit,
)
from dotmac.crypto.tokens import TokenError, sign

# Seconds between asking for a hand-off and coming back with it; a log-in may lie between.
STATE_SECONDS = 900
_STATE = re.compile(r"[0-9a-f]{64}\Z")
_REASONS: dict[str, Reason] = {"expired": "late", "audience": "host"}


class Person(Protocol):
    """Somebody of the operator's schema."""

    uuid: UUID
    email: str
    name: str


@dataclass(frozen=True)
class Entrance:
    """An accepted hand-off: who comes, bound to which browser, and the id to be spent."""

    hand_off: HandOff
    jti: str
    expires_at: datetime
    state: str


def new_state() -> tuple[str, str]:
    """A secret for the cookie of a browser, and the state that names it."""
    secret = secrets.token_urlsafe(32)
    return secret, state_of(secret)


def state_of(secret: str) -> str:
    """The SHA-256 of a cookie's secret in hex."""
    return hashlib.sha256(secret.encode()).hexdigest()


def is_state(text: str) -> bool:
    """Whether a text can be a state at all."""
    return bool(_STATE.match(text))


def cookie_name(state: str, *, is_secure: bool) -> str:
    """One cookie for each attempt, so that two tabs do not disturb each other.

    Over https its name keeps a sibling host from setting it.
    """
    return f"{'__Host-' if is_secure else ''}sso_{state[:12]}"


def issue(
    person: Person,
    *,
    host: str,
    state: str,
    role: str,
    next_path: str,
    amr: Iterable[str] = (),
) -> str:
    """A token that signs a person in at one host, in one browser, once, within a minute.

    `amr` is how they signed in here (security.methods).
    """
    message = HandOff(
        user_id=str(person.uuid),
        email=person.email,
        name=person.name,
        role=role,
        next_path=next_path,
        amr=tuple(amr),
    )
    return sign(
        {**asdict(message), "state": state},
        signing_key(),
        purpose="hand-off",
        audience=host,
        issuer=settings.BASE_DOMAIN,
        lifetime=HAND_OFF_LIFETIME,
        subject=str(person.uuid),
    )


def issue_visit(
    person: Person,
    *,
    visit: UUID,
    reason: str,
    expires_at: datetime,
    host: str,
    state: str,
    next_path: str,
    amr: Iterable[str] = (),
) -> str:
    """A token that lets somebody of the operator visit one host, in one browser, once."""
    message = SupportVisit(
        visit=visit,
        person=person.uuid,
        email=person.email,
        name=person.name,
        reason=reason,
        expires_at=expires_at,
        next_path=next_path,
        amr=tuple(amr),
    )
    issuer = settings.BASE_DOMAIN
    return sign_support_visit(message, signing_key(), host=host, issuer=issuer, state=state)


def open_entrance(token: str, *, host: str) -> Entrance:
    """Check signature, purpose, host and age; HandOffError says what is wrong."""
    try:
        opened = open_hand_off(token, verify_keys(), host=host, issuer=settings.BASE_DOMAIN)
    except TokenError as error:
        raise HandOffError(reason_of(error)) from None
    state = str(opened.claims.payload.get("state", ""))
    return Entrance(opened.value, opened.claims.jti, opened.claims.expires_at, state)


def reason_of(error: TokenError) -> Reason:
    """Why a token signs nobody in, as people are told."""
    return _REASONS.get(error.reason, "invalid")


def check_browser(state: str, cookies: Mapping[str, str], *, is_secure: bool) -> None:
    """HandOffError unless this browser is the one that asked with the state."""
    secret = cookies.get(cookie_name(state, is_secure=is_secure), "")
    if not secret or not hmac.compare_digest(state_of(secret), state):
        raise HandOffError("browser")
