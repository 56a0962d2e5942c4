"""What a SAML identity provider says of itself: pasted by an owner, or fetched every day."""

import hashlib
from typing import Any

import requests
from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop
from lxml.etree import LxmlError
from onelogin.saml2.constants import OneLogin_Saml2_Constants as Saml
from onelogin.saml2.errors import OneLogin_Saml2_Error
from onelogin.saml2.idp_metadata_parser import OneLogin_Saml2_IdPMetadataParser as Parser

from apps.accounts.providers.links import end_links
from apps.accounts.providers.models import IdentityProvider
from apps.accounts.providers.net import GuardedSession, TooLongError
from apps.events import services as events
from apps.events.actors import SYSTEM
from apps.work import services as work
from apps.work.registry import travels
from apps.work.words import words

KIND = "saml.metadata"
travels(KIND)
_PARTS = ("entityId", "singleSignOnService", "x509cert", "x509certMulti")


class MetadataError(Exception):
    """The metadata is missing or not that of an identity provider; the message is for people."""


def idp_of(metadata: str) -> dict[str, Any]:
    """Its entity, address and certificates for signatures, as the library wants them."""
    if not metadata:
        raise MetadataError(_("Its metadata is not known yet."))
    try:
        found = Parser.parse(metadata.encode(), required_sso_binding=Saml.BINDING_HTTP_REDIRECT)
    except (LxmlError, OneLogin_Saml2_Error, AttributeError, KeyError, TypeError, ValueError):
        raise MetadataError(_("This is no SAML metadata.")) from None
    idp = {part: found.get("idp", {}).get(part) for part in _PARTS}
    signing = (idp["x509certMulti"] or {}).get("signing") or idp["x509cert"]
    if not (idp["entityId"] and idp["singleSignOnService"] and signing):
        raise MetadataError(
            _(
                "The metadata names no identity provider with an address for redirects and a"
                " certificate for signatures. Take that of the identity provider, not of a service."
            )
        )
    return {part: value for part, value in idp.items() if value}


def entity_of(metadata: str) -> str:
    """Which identity provider it is of; empty where that is not known."""
    try:
        return str(idp_of(metadata)["entityId"])
    except MetadataError:
        return ""


def fetch_soon(provider: IdentityProvider) -> None:
    """Have a worker fetch the metadata now, and daily from then on: certificates change."""
    title = words(gettext_noop("Fetch the metadata of {name}"), name=provider.name)
    work.call(KIND, str(provider.uuid), title=title)


def fetch(url: str) -> str:
    """The metadata at an address; MetadataError with what is wrong. Not in a transaction."""
    try:
        with GuardedSession() as session:
            answer = session.get(url)
        answer.raise_for_status()
    except TooLongError:
        raise MetadataError(_("The metadata is too long.")) from None
    except (requests.RequestException, OSError) as error:
        text = _("The metadata was not fetched: %(error)s")
        raise MetadataError(text % {"error": type(error).__name__}) from None
    text = answer.content.decode("utf-8", "replace")
    idp_of(text)
    return text


@transaction.atomic
def take(provider: IdentityProvider, metadata: str) -> None:
    """Keep what was fetched, unless somebody entered another address meanwhile.

    Where another identity provider is at the address now, the links of people end.
    """
    rows = IdentityProvider.objects.filter(pk=provider.pk, metadata_url=provider.metadata_url)
    before = rows.select_for_update().exclude(metadata="").first()
    if before and entity_of(before.metadata) != entity_of(metadata):
        end_links(before, actor=SYSTEM)
    if rows.exclude(metadata=metadata).update(metadata=metadata, metadata_error=""):
        data = {"sha256": hashlib.sha256(metadata.encode()).hexdigest()}
        events.record(
            "identity_provider.metadata_changed", actor=SYSTEM, subject=provider, data=data
        )
    else:
        rows.exclude(metadata_error="").update(metadata_error="")


def note_error(provider: IdentityProvider, error: str) -> None:
    """Keep why it was not fetched, for its page; what was known before still counts."""
    rows = IdentityProvider.objects.filter(pk=provider.pk, metadata_url=provider.metadata_url)
    rows.update(metadata_error=error[:300])
