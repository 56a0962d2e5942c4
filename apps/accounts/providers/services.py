"""Writes about identity providers, and their secrets."""

from functools import lru_cache
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from apps.accounts.providers.links import end_links, links_of
from apps.accounts.providers.metadata import MetadataError, entity_of, fetch_soon, idp_of
from apps.accounts.providers.models import GOOGLE_ISSUER, IdentityProvider
from apps.core.exceptions import ConflictError, DomainError
from apps.events import services as events
from apps.events.actors import Actor
from apps.events.differences import CHANGED, differences
from dotmac.crypto.fields import Cipher, parse_keys
from dotmac.crypto.secret import Secret

_PLACE = "accounts_identityprovider.secret"
_SAID = ("kind", "key", "client_id", "issuer", "metadata_url", "domains", "creates_people", "is_on")
_GITHUB = "github"
# The directory of all private accounts.
_OF_EVERYBODY = "9188040d-6c67-4c5b-b112-36a304b66dad"
_ANY_DIRECTORY = ("common", "organizations", "consumers", _OF_EVERYBODY)


@transaction.atomic
def save_provider(provider: IdentityProvider, *, secret: Secret | None, actor: Actor) -> None:
    """Make or change a provider; without `secret` the one it has stays.

    Where it moves (`is_moved`) the links of people end. DomainError names the field that is wrong.
    """
    before = IdentityProvider.objects.select_for_update().filter(pk=provider.pk).first()
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
    if before and is_moved(before, provider):
        end_links(before, actor=actor)
    if provider.metadata_url and provider.is_on:
        fetch_soon(provider)
    type = "identity_provider.changed" if before else "identity_provider.created"
    said = _said(provider)
    changed = {CHANGED: differences(_said(before), said)} if before else {}
    events.record(type, actor=actor, subject=provider, data={**said, **changed})


@transaction.atomic
def remove_provider(provider: IdentityProvider, *, actor: Actor) -> None:
    """Take a provider away, with the links of people to it; the people stay."""
    links, _rows = links_of(provider).delete()
    data = {**_said(provider), "links": links}
    events.record("identity_provider.removed", actor=actor, subject=provider, data=data)
    provider.delete()


def is_moved(before: IdentityProvider, now: IdentityProvider) -> bool:
    """Whether another one names the people from now on, and may call somebody else the same.

    New certificates, or another address for them at the same host, move nothing.
    """
    return _namer(before) != _namer(now)


def secret_of(provider: IdentityProvider) -> Secret:
    """The client secret, empty where there is none; CipherError when its key is missing."""
    if not provider.secret:
        return Secret("")
    return Secret(_cipher().decrypt(provider.secret, context=_PLACE))


def check_provider(provider: IdentityProvider, secret: Secret | None) -> None:
    """Fill in what follows from the kind; DomainError for what cannot work or opens too much."""
    if provider.kind == IdentityProvider.Kind.SAML:
        _check_saml(provider)
        return
    _check_client(provider, secret)
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
    _check_move(provider, secret)


def _check_move(provider: IdentityProvider, secret: Secret | None) -> None:
    """DomainError where the kept secret would be sent to another host than it was entered for."""
    before = IdentityProvider.objects.filter(pk=provider.pk).first()
    if before and not secret and is_moved(before, provider):
        text = _("The client secret is that of the issuer before. Enter that of the new one.")
        raise DomainError(text, field="secret")


def _check_client(provider: IdentityProvider, secret: Secret | None) -> None:
    """DomainError without what the provider knows this service by."""
    if not secret and not provider.secret:
        raise DomainError(_("Enter the client secret that the provider gave you."), field="secret")
    if not provider.client_id:
        raise DomainError(_("Enter the client ID that the provider gave you."), field="client_id")


def _check_saml(provider: IdentityProvider) -> None:
    """DomainError unless its metadata comes from somewhere, and the domains are named."""
    provider.client_id, provider.issuer = provider.key, ""
    if provider.key == _GITHUB:
        raise DomainError(_("This key belongs to GitHub. Choose another one."), field="key")
    if not (provider.metadata_url or provider.metadata):
        raise DomainError(
            _("Enter the address of the identity provider’s metadata, or the metadata itself."),
            field="metadata_url",
        )
    if provider.metadata_url and not (
        provider.metadata_url.startswith("https://") or settings.DEVELOPMENT
    ):
        raise DomainError(_("Metadata is fetched over https only."), field="metadata_url")
    if provider.metadata and not provider.metadata_url:
        try:
            idp_of(provider.metadata)
        except MetadataError as error:
            raise DomainError(str(error), field="metadata") from None
    if not provider.domains:
        raise DomainError(
            _(
                "SAML does not say whether an e-mail address is proven. Name the domains that this"
                " identity provider is believed about."
            ),
            field="domains",
        )


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


def _namer(provider: IdentityProvider) -> tuple[str, ...]:
    """Who says who people are: an issuer, or an entity whose metadata a host publishes."""
    if provider.kind != IdentityProvider.Kind.SAML:
        return (provider.key, provider.issuer.rstrip("/"))
    address = urlsplit(provider.metadata_url)
    host = f"{address.scheme}://{address.netloc.lower()}"
    return (provider.key, host, entity_of(provider.metadata))


def _said(provider: IdentityProvider) -> dict[str, Any]:
    return {name: getattr(provider, name) for name in _SAID}


@lru_cache(maxsize=1)
def _cipher() -> Cipher:
    return Cipher(parse_keys(",".join(settings.FIELD_KEYS)))
