"""Trying what was entered: whether the authority answers, and whether records can be written."""

import secrets
from collections.abc import Callable
from dataclasses import dataclass

from django.conf import settings
from django.utils.translation import gettext as _

from apps.certificates.accounts import note_terms, provider_of, wire_of
from apps.certificates.models import AcmeAccount
from dotmac.acme import AcmeError
from dotmac.crypto.fields import CipherError
from dotmac.dns import DnsError, Provider, wait_until_visible

# A person waits for it; seconds.
_PATIENCE_S = 10.0
_RECORD = "_dotmac-check"


@dataclass(frozen=True)
class Check:
    """What was tried, and what became of it."""

    name: str
    tone: str
    text: str


def check_authority(account: AcmeAccount) -> list[Check]:
    """Ask for the authority's directory; keeps where its terms are. Not in a transaction."""
    name = account.directory
    try:
        with wire_of(account) as wire:
            terms = wire.terms()
    except (AcmeError, CipherError) as error:
        return [Check(name, "bad", str(error))]
    note_terms(terms.url)
    found = [Check(name, "ok", _("It answers."))]
    if terms.needs_binding and not account.binding_key_id:
        text = _("It takes only its customers: enter the key id and HMAC key that it gave you.")
        found.append(Check(_("Account binding"), "warn", text))
    return found


def check_dns(account: AcmeAccount) -> list[Check]:
    """Write a TXT record in each domain, look whether it is seen, and remove it again."""
    try:
        provider = provider_of(account)
    except CipherError as error:
        return [Check(_("DNS"), "bad", str(error))]
    if provider is None:
        return []
    domains = dict.fromkeys((settings.BASE_DOMAIN, settings.APPS_DOMAIN))
    return [_check_domain(provider, f"{_RECORD}.{one}", account.nameservers) for one in domains]


def _check_domain(provider: Provider, record: str, servers: list[str]) -> Check:
    value = secrets.token_hex(16)
    problem = _problem(lambda: provider.add_txt(record, value))
    if not problem:
        problem = _problem(lambda: wait_until_visible(record, value, servers, seconds=_PATIENCE_S))
        problem = _problem(lambda: provider.remove_txt(record, value)) or problem
    if problem:
        return Check(record, "bad", problem)
    return Check(record, "ok", _("A record was written, seen and removed again."))


def _problem(act: Callable[[], None]) -> str:
    try:
        act()
    except DnsError as error:
        return error.message
    return ""
