"""What the page of a person's own security shows."""

from typing import Any

from allauth.mfa.models import Authenticator
from django.http import HttpRequest
from django.utils.translation import gettext as _

from apps.accounts.addresses import platform_url
from apps.accounts.models import User
from apps.accounts.security.methods import CODE, PASSKEY, PASSWORD, PROVIDER
from apps.accounts.security.policy import deadline_of, policy_in_force
from apps.accounts.security.sessions import sessions_of
from apps.events.models import Event
from apps.tenancy.kinds import CONSOLE, PUBLIC, current_schema, kind_of

_SIGN_INS = ("user.signed_in", "user.sign_in_failed")
_SHOWN_SIGN_INS = 10


def security_page(request: HttpRequest, user: User) -> dict[str, Any]:
    """Password, factors, sessions and recent sign-ins of a person."""
    factors = list(Authenticator.objects.filter(user=user).order_by("created_at"))
    policy = policy_in_force()
    deadline = deadline_of(policy, is_staff=user.is_staff, joined_at=user.date_joined)
    return {
        "is_handed_over": comes_by_hand_off(user),
        "platform_security_url": platform_url("/accounts/security/"),
        "is_console": kind_of(current_schema()) == CONSOLE,
        "is_operator": kind_of(current_schema()) == PUBLIC,
        "app": next((f for f in factors if f.type == Authenticator.Type.TOTP), None),
        "passkeys": [_passkey(f) for f in factors if f.type == Authenticator.Type.WEBAUTHN],
        "codes_left": _codes_left(factors),
        "has_password": user.has_usable_password(),
        "sessions": sessions_of(user, current_key=request.session.session_key),
        "sign_ins": recent_sign_ins(user),
        "deadline": deadline,
    }


def comes_by_hand_off(user: User) -> bool:
    """Whether the platform signs this person in, so that their factors are there."""
    return kind_of(current_schema()) == CONSOLE or (
        user.identity is not None and not user.has_usable_password()
    )


def method_names(methods: list[str]) -> str:
    """As “password and code”."""
    names = {
        PASSWORD: _("password"),
        CODE: _("code"),
        PASSKEY: _("passkey"),
        PROVIDER: _("identity provider"),
        "password": _("password"),
        "hand-off": _("DotMac"),
    }
    return ", ".join(dict.fromkeys(str(names.get(method, method)) for method in methods))


def recent_sign_ins(user: User) -> list[dict[str, Any]]:
    """The last attempts, newest first, with how, from where, and whether they worked."""
    found = Event.objects.filter(
        subject_type="user", subject_id=str(user.uuid), type__in=_SIGN_INS
    )[:_SHOWN_SIGN_INS]
    return [
        {
            "at": event.at,
            "is_ok": event.type == "user.signed_in",
            "how": method_names(event.data.get("methods") or [event.data.get("by", "")]),
            "ip": event.data.get("ip", ""),
        }
        for event in found
    ]


def _passkey(factor: Authenticator) -> dict[str, Any]:
    return {
        "pk": factor.pk,
        "name": factor.wrap().name,
        "is_passwordless": factor.wrap().is_passwordless,
        "created_at": factor.created_at,
        "last_used_at": factor.last_used_at,
    }


def _codes_left(factors: list[Authenticator]) -> int | None:
    """How many recovery codes are unused; None without any."""
    codes = next((f for f in factors if f.type == Authenticator.Type.RECOVERY_CODES), None)
    return len(codes.wrap().get_unused_codes()) if codes else None
