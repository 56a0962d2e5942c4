"""Writes about identity providers, and their secrets."""

from functools import lru_cache
from typing import Any

from allauth.socialaccount.models import SocialAccount
from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from apps.accounts.providers.models import GOOGLE_ISSUER, IdentityProvider
from apps.core.exceptions import ConflictError, DomainError
from apps.events import services as events
from apps.events.actors import Actor
from dotmac.crypto.fields import Cipher, parse_keys
from dotmac.crypto.secret import Secret

_PLACE = "accounts_identityprovider.secret"
_SAID = ("kind", "key", "client_id", "issuer", "domains", "creates_people", "is_on")
_GITHUB = "github"
_ANY_DIRECTORY = ("common", "organizations", "consumers")


@transaction.atomic
def save_provider(provider: IdentityProvider, *, secret: Secret | None, actor: Actor) -> None:
    """Make or change a provider; without `secret` the one it has stays.

    DomainError names the field that is wrong.
    """
    is_new = provider.pk is None
    check_provider(provider, secret)
    if secret:
        provider.secret = _cipher().encrypt(secret.reveal(), context=_PLACE)
    try:
        with transaction.atomic():
            provider.save()
    except IntegrityError as error:
        raise ConflictError(
            _("There is a provider with the key %(key)s already.") % {"key": provider.key},
            field="key",
        ) from error
    type = "identity_provider.created" if is_new else "identity_provider.changed"
    events.record(type, actor=actor, subject=provider, data=_said(provider))


@transaction.atomic
def remove_provider(provider: IdentityProvider, *, actor: Actor) -> None:
    """Take a provider away, with the links of people to it; the people stay."""
    links, _rows = SocialAccount.objects.filter(provider=provider.key).delete()
    data = {**_said(provider), "links": links}
    events.record("identity_provider.removed", actor=actor, subject=provider, data=data)
    provider.delete()


def secret_of(provider: IdentityProvider) -> Secret:
    """The client secret; CipherError when its key is missing."""
    return Secret(_cipher().decrypt(provider.secret, context=_PLACE))


def check_provider(provider: IdentityProvider, secret: Secret | None) -> None:
    """Fill in what follows from the kind; DomainError for what cannot work or opens too much."""
    if not secret and not provider.secret:
        raise DomainError(_("Enter the client secret that the provider gave you."), field="secret")
    if provider.kind == IdentityProvider.Kind.GOOGLE:
        provider.issuer = GOOGLE_ISSUER
    if provider.kind == IdentityProvider.Kind.GITHUB:
        provider.issuer, provider.key = "", _GITHUB
    elif provider.key == _GITHUB:
        raise DomainError(_("This key belongs to GitHub. Choose another one."), field="key")
    elif not provider.issuer:
        raise DomainError(_("Enter the issuer, as the provider names it."), field="issuer")
    elif not (provider.issuer.startswith("https://") or settings.DEVELOPMENT):
        raise DomainError(
            _("An issuer is reached over https. Enter its https address."), field="issuer"
        )
    _check_reach(provider)


def _check_reach(provider: IdentityProvider) -> None:
    """DomainError for what would let strangers in."""
    if any(f"/{word}/" in provider.issuer for word in _ANY_DIRECTORY):
        raise DomainError(
            _(
                "This lets every Microsoft directory in. Enter the issuer with your own "
                "directory’s ID: https://login.microsoftonline.com/<ID>/v2.0"
            ),
            field="issuer",
        )
    if provider.creates_people and not provider.domains:
        raise DomainError(
            _(
                "Name the e-mail domains whose people may come in unknown; else anybody "
                "with an account at this provider could."
            ),
            field="domains",
        )


def _said(provider: IdentityProvider) -> dict[str, Any]:
    return {name: getattr(provider, name) for name in _SAID}


@lru_cache(maxsize=1)
def _cipher() -> Cipher:
    return Cipher(parse_keys(",".join(settings.FIELD_KEYS)))
