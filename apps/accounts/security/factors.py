"""allauth's second factors as we want them: secrets encrypted, and named after the brand."""

from functools import lru_cache

from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.mfa.models import Authenticator
from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext as _

from apps.accounts.models import User
from apps.accounts.security.sessions import revoke_everywhere
from apps.branding.looks import look_in_force
from apps.core.exceptions import ConflictError
from apps.events.actors import Actor
from dotmac.crypto.fields import Cipher, parse_keys

_PLACE = "mfa_authenticator.data"
ASKED_AT_SIGN_IN = (Authenticator.Type.TOTP, Authenticator.Type.WEBAUTHN)


class FactorAdapter(DefaultMFAAdapter):  # type: ignore[misc]
    """Second factors in the current schema."""

    def encrypt(self, text: str) -> str:
        """How secrets of authenticator apps and recovery codes are kept."""
        return _cipher().encrypt(text, context=_PLACE)

    def decrypt(self, encrypted_text: str) -> str:
        """The secret; CipherError when its key is missing."""
        return _cipher().decrypt(encrypted_text, context=_PLACE)

    def get_totp_issuer(self) -> str:
        """What an authenticator app shows above the code."""
        return self._get_site_name()

    def _get_site_name(self) -> str:
        return look_in_force().name

    def generate_authenticator_name(self, user: User, type: Authenticator.Type) -> str:
        """What a passkey is called until its person names it."""
        number = Authenticator.objects.filter(user=user, type=type).count() + 1
        return _("Passkey %(number)s") % {"number": number}


def has_factor(user: User) -> bool:
    """Whether somebody is asked for a second factor when they sign in with a password."""
    return bool(Authenticator.objects.filter(user=user, type__in=ASKED_AT_SIGN_IN).exists())


@transaction.atomic
def remove_factors(user: User, *, actor: Actor) -> None:
    """Take all factors from somebody who lost them, and end their sessions; ConflictError without.

    The event of each is written where it is deleted (receivers).
    """
    found = list(Authenticator.objects.select_for_update().filter(user=user))
    if not found:
        raise ConflictError(_("%(user)s has no second factor.") % {"user": user})
    for authenticator in found:
        authenticator.removed_by = actor
        authenticator.delete()
    revoke_everywhere(user, keep=None, actor=actor)


@lru_cache(maxsize=1)
def _cipher() -> Cipher:
    return Cipher(parse_keys(",".join(settings.FIELD_KEYS)))
