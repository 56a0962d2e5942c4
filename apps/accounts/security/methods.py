"""How somebody proved who they are in a session, in the words of hand-offs (RFC 8176, amr)."""

from collections.abc import Iterable

from allauth.account.internal.flows.login import get_authentication_records
from django.http import HttpRequest

from apps.accounts.models import User

PASSWORD, CODE, PASSKEY, PROVIDER = "pwd", "otp", "webauthn", "fed"
SECOND_FACTORS = frozenset({CODE, PASSKEY})
# Where a session keeps what allauth does not record: a hand-off's, and a factor just set up.
SESSION_KEY = "sign_in_methods"
_RECORDED = {
    ("password", ""): PASSWORD,
    ("mfa", "totp"): CODE,
    ("mfa", "recovery_codes"): CODE,
    ("mfa", "webauthn"): PASSKEY,
    ("socialaccount", ""): PROVIDER,
}


def methods_of(request: HttpRequest) -> tuple[str, ...]:
    """What the person in this session proved themselves with, in order."""
    user = request.user if isinstance(request.user, User) else None
    records = get_authentication_records(request, user)
    found = [_RECORDED.get((r["method"], r.get("type", ""))) for r in records]
    kept = request.session.get(SESSION_KEY, [])
    return tuple(dict.fromkeys(method for method in [*found, *kept] if method))


def add_methods(request: HttpRequest, methods: Iterable[str]) -> None:
    """Note for this session that its person proved themselves so."""
    kept = request.session.get(SESSION_KEY, [])
    request.session[SESSION_KEY] = list(dict.fromkeys([*kept, *methods]))


def holds_second_factor(methods: Iterable[str]) -> bool:
    """Whether a second factor is among them; a passkey checks its person itself, so it counts."""
    return not SECOND_FACTORS.isdisjoint(methods)
