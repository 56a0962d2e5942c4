"""Set-up without a person: at each start what the environment says of authority and DNS is kept."""

from pathlib import Path
from typing import Any

from django.conf import settings

from apps.certificates.accounts import (
    AccountSecrets,
    AccountWords,
    account_as_it_is,
    save_account,
)
from apps.certificates.models import AcmeAccount
from apps.certificates.sealing import BINDING, DNS_SECRET, unseal
from apps.events.actors import SYSTEM
from dotmac.crypto.secret import Secret

_Authority = AcmeAccount.Authority


def is_set() -> bool:
    """Whether the environment names an authority."""
    return bool(settings.ACME_DIRECTORY)


def set_up() -> bool:
    """Write what the environment says; whether that changed anything. DomainError names a fault."""
    if not is_set():
        return False
    words, secrets, row = _words(), _secrets(), account_as_it_is()
    if row.pk and _is_same(row, words, secrets):
        return False
    save_account(words, secrets, version=row.version, actor=SYSTEM)
    return True


def _words() -> AccountWords:
    named = settings.ACME_DIRECTORY
    is_known = named in (_Authority.LETS_ENCRYPT, _Authority.STAGING)
    return AccountWords(
        authority=named if is_known else _Authority.OWN,
        own_directory="" if is_known else named,
        email=settings.ACME_EMAIL,
        accepts_terms=settings.ACME_ACCEPTS_TERMS,
        binding_key_id=settings.ACME_EAB_KEY_ID,
        roots=Path(settings.ACME_ROOTS_FILE).read_text() if settings.ACME_ROOTS_FILE else "",
        preferred_chain=settings.ACME_PREFERRED_CHAIN,
        dns_kind=settings.DNS_PROVIDER,
        dns_server=settings.DNS_SERVER,
        dns_key_name=settings.DNS_KEY_NAME,
        dns_algorithm=settings.DNS_KEY_ALGORITHM,
        dns_nameservers=settings.DNS_NAMESERVERS,
        is_on=True,
    )


def _secrets() -> AccountSecrets:
    def secret(text: str) -> Secret | None:
        return Secret(text) if text else None

    return AccountSecrets(secret(settings.ACME_EAB_KEY), secret(settings.DNS_SECRET))


def _is_same(row: AcmeAccount, words: AccountWords, secrets: AccountSecrets) -> bool:
    plain: dict[str, Any] = {**vars(words)}
    accepts = plain.pop("accepts_terms")
    return (
        all(getattr(row, name) == value for name, value in plain.items())
        and accepts == (row.terms_accepted_at is not None)
        and _is_kept(secrets.binding_key, row.binding_key, BINDING)
        and _is_kept(secrets.dns_secret, row.dns_secret, DNS_SECRET)
    )


def _is_kept(secret: Secret | None, stored: str, context: str) -> bool:
    return secret is None or (bool(stored) and unseal(stored, context) == secret)
