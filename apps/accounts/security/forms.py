"""allauth's forms of second factors, with what it leaves open closed."""

import json
from base64 import urlsafe_b64decode
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

from allauth.core import context
from allauth.core.internal.cryptokit import compare_user_code
from allauth.mfa.base.forms import AuthenticateForm, ReauthenticateForm
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.forms import ActivateTOTPForm
from allauth.mfa.totp.internal.auth import (
    SECRET_SESSION_KEY,
    format_hotp_value,
    hotp_value,
    yield_hotp_counters_from_time,
)
from allauth.mfa.utils import decrypt, encrypt
from allauth.mfa.webauthn.forms import (
    AddWebAuthnForm,
    AuthenticateWebAuthnForm,
    LoginWebAuthnForm,
    ReauthenticateWebAuthnForm,
)
from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext_lazy as _

from apps.accounts.addresses import host_of

_FOREIGN = _("This passkey answered for another address. Open the page anew and try once more.")
_REPEATED = _("This code was used already. Wait for the next one.")


class _OncePerCode:
    """A code of an authenticator app is good once.

    allauth remembers used codes in the cache of one process, for less long than a code is taken
    with a tolerance. The time step of the last one in the row is exact, also for several
    processes: only later steps count.
    """

    cleaned_data: dict[str, Any]
    authenticator: Authenticator

    def clean_code(self) -> str:
        """The code, spent."""
        code: str = super().clean_code()  # type: ignore[misc]
        if self.authenticator.type == Authenticator.Type.TOTP:
            _spend(self.authenticator, code)
        return code


class CodeForm(_OncePerCode, AuthenticateForm):  # type: ignore[misc]
    """The second step of signing in."""


class CodeAgainForm(_OncePerCode, ReauthenticateForm):  # type: ignore[misc]
    """A code before something grave."""


class AddAppForm(ActivateTOTPForm):  # type: ignore[misc]
    """Setting up an authenticator app; the secret waits in the session, encrypted."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        session = context.request.session
        if SECRET_SESSION_KEY in session:
            session[SECRET_SESSION_KEY] = decrypt(session[SECRET_SESSION_KEY])
        super().__init__(*args, **kwargs)
        session[SECRET_SESSION_KEY] = encrypt(self.secret)


class _OfThisHost:
    """The browser's word on where the passkey was used must be this very host.

    The library would also take subdomains, which here are other ISPs' consoles, and refuses
    http, which development uses on *.localhost; so it is told to take all, and this is exact.
    """

    cleaned_data: dict[str, Any]

    def clean_credential(self) -> Any:
        """The credential, if it is one for this host."""
        _check_origin(self.cleaned_data["credential"])
        inherited = getattr(super(), "clean_credential", None)
        with _well_formed():
            return inherited() if inherited else self.cleaned_data["credential"]


class AddPasskeyForm(_OfThisHost, AddWebAuthnForm):  # type: ignore[misc]
    """A new passkey."""

    name = forms.CharField(label=_("Name"), max_length=60, required=False)
    passwordless = forms.BooleanField(
        label=_("Sign in with this passkey alone, without a password"),
        required=False,
        initial=True,
        help_text=_("It then asks for your fingerprint, face or PIN."),
    )

    def clean(self) -> dict[str, Any]:
        """The ceremony completed."""
        with _well_formed():
            data: dict[str, Any] = super().clean()
            return data


class PasskeyForm(_OfThisHost, AuthenticateWebAuthnForm):  # type: ignore[misc]
    """A passkey as the second step of signing in."""


class PasskeyLoginForm(_OfThisHost, LoginWebAuthnForm):  # type: ignore[misc]
    """A passkey instead of e-mail and password."""


class PasskeyAgainForm(_OfThisHost, ReauthenticateWebAuthnForm):  # type: ignore[misc]
    """A passkey before something grave."""


@contextmanager
def _well_formed() -> Iterator[None]:
    """What the library stumbles over is refused as what it refuses itself."""
    try:
        yield
    except (AttributeError, KeyError, TypeError, ValueError):
        raise ValidationError(_FOREIGN, code="malformed") from None


def _check_origin(credential: Any) -> None:
    """ValidationError unless the signed client data names the host of this request."""
    try:
        text = credential["response"]["clientDataJSON"]
        # Decoded as the library does, so that what is read here is what is signed.
        said = json.loads(urlsafe_b64decode(text + "=" * (-len(text) % 4)))
        origin = urlsplit(str(said["origin"]))
        scheme, name = origin.scheme, origin.hostname
    except (KeyError, TypeError, ValueError):
        raise ValidationError(_FOREIGN, code="origin") from None
    host = host_of(context.request)
    is_local = settings.DEVELOPMENT and host.endswith(".localhost")
    if name != host or scheme not in ("https", *(["http"] if is_local else [])):
        raise ValidationError(_FOREIGN, code="origin")


@transaction.atomic
def _spend(authenticator: Authenticator, code: str) -> None:
    row = Authenticator.objects.select_for_update().get(pk=authenticator.pk)
    step = _step_of(decrypt(row.data["secret"]), code)
    if step <= row.data.get("step", -1):
        raise ValidationError(_REPEATED, code="repeated")
    row.data["step"] = step
    row.save(update_fields=["data"])


def _step_of(secret: str, code: str) -> int:
    """The time step that a right code is of; the latest, should two have the same code."""
    steps = yield_hotp_counters_from_time()
    fitting = [s for s in steps if _fits(code, format_hotp_value(hotp_value(secret, s)))]
    # None when its time ran out since it was checked: as good as used.
    return max(fitting, default=-1)


def _fits(code: str, expected: str) -> bool:
    return bool(compare_user_code(actual=code, expected=expected))
