"""The authority that certificates come from, and the server of our zones: read and written."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from apps.certificates.models import AcmeAccount
from apps.certificates.sealing import ACCOUNT_KEY, BINDING, DNS_SECRET, seal, unseal
from apps.core.exceptions import ConflictError, DomainError
from apps.events import services as events
from apps.events.actors import Actor, Subject
from apps.events.differences import CHANGED, differences, values_of
from dotmac.acme import Account, Binding, new_key
from dotmac.crypto.secret import Secret
from dotmac.dns import PowerDns, Provider, Rfc2136
from dotmac.dns.lookup import split

SUBJECT = Subject("acme_account", "1", "Certificate authority")
_Kind = AcmeAccount.DnsKind


@dataclass(frozen=True)
class AccountWords:
    """What an owner enters, without what is secret."""

    authority: str = AcmeAccount.Authority.LETS_ENCRYPT
    own_directory: str = ""
    email: str = ""
    accepts_terms: bool = False
    binding_key_id: str = ""
    roots: str = ""
    preferred_chain: str = ""
    dns_kind: str = ""
    dns_server: str = ""
    dns_key_name: str = ""
    dns_algorithm: str = "hmac-sha256"
    dns_nameservers: str = ""
    is_on: bool = False


@dataclass(frozen=True)
class AccountSecrets:
    """What is secret of it; None leaves the present one."""

    binding_key: Secret | None = field(default=None, repr=False)
    dns_secret: Secret | None = field(default=None, repr=False)


def account_as_it_is() -> AcmeAccount:
    """The account; an unsaved one where there is none."""
    return AcmeAccount.objects.first() or AcmeAccount()


def account_in_force() -> AcmeAccount | None:
    """The account that certificates come by; None where none is set up."""
    return AcmeAccount.objects.filter(is_on=True, terms_accepted_at__isnull=False).first()


@transaction.atomic
def save_account(
    words: AccountWords, secrets: AccountSecrets, *, version: int, actor: Actor
) -> AcmeAccount:
    """Change it; DomainError names the field, ConflictError when somebody has saved since."""
    row = _row_for_update()
    if row.version != version:
        raise ConflictError(_("Somebody else has changed this meanwhile. Look at it again."))
    _forget_what_is_another_s(row, words)
    values = asdict(words)
    accepts = values.pop("accepts_terms")
    before = values_of(row, values)
    for name, value in values.items():
        setattr(row, name, value)
    _keep(row, secrets)
    row.terms_accepted_at = (row.terms_accepted_at or timezone.now()) if accepts else None
    _check(row)
    row.version += 1
    row.paused_until = None
    row.save()
    changed = {
        "terms_accepted": accepts,
        "binding_key_changed": bool(secrets.binding_key),
        "dns_secret_changed": bool(secrets.dns_secret),
    }
    known = {name: value for name, value in values.items() if name != "roots"}
    data = {**known, **changed, CHANGED: differences(before, known)}
    events.record("acme_account.changed", actor=actor, subject=SUBJECT, data=data)
    return row


def note_terms(url: str) -> None:
    """Keep where the terms of the authority are, to be shown beside the question."""
    # It becomes a link: nothing but an address of the web.
    kept = url[:300] if url.startswith(("https://", "http://")) else ""
    AcmeAccount.objects.filter(is_only=True).update(terms_url=kept)


def wire_of(account: AcmeAccount) -> Account:
    """The account at its authority; CipherError without the key that its own is encrypted with."""
    return Account(
        account.directory,
        unseal(account.key, ACCOUNT_KEY),
        account_url=account.account_url,
        roots=account.roots,
        timeout_s=settings.ACME_TIMEOUT_S,
    )


def binding_of(account: AcmeAccount) -> Binding | None:
    """What ties the account to a customer of the authority, where it was entered."""
    if not account.binding_key_id:
        return None
    return Binding(account.binding_key_id, unseal(account.binding_key, BINDING))


def provider_of(account: AcmeAccount) -> Provider | None:
    """The server of our zones; None where none is set up."""
    if not account.dns_kind:
        return None
    secret = unseal(account.dns_secret, DNS_SECRET)
    if account.dns_kind == _Kind.POWERDNS:
        return PowerDns(account.dns_server, secret)
    host, port = split(account.dns_server)
    return Rfc2136(host, account.dns_key_name, secret, account.dns_algorithm, port)


def _forget_what_is_another_s(row: AcmeAccount, words: AccountWords) -> None:
    """Another authority has neither our account nor our word on its terms.

    Another server is not told the secret of this one.
    """
    before = row.directory
    after = AcmeAccount(authority=words.authority, own_directory=words.own_directory).directory
    if before != after or not row.key:
        row.key, row.account_url = seal(new_key(), ACCOUNT_KEY), ""
        row.terms_url, row.terms_accepted_at = "", None
        row.binding_key = ""
    elif row.binding_key_id != words.binding_key_id:
        row.account_url = row.binding_key = ""
    elif row.email != words.email:
        # Asked again with the same key, the authority finds the account and is told the address.
        row.account_url = ""
    if (row.dns_kind, row.dns_server) != (words.dns_kind, words.dns_server):
        row.dns_secret = ""  # nosec B105


def _keep(row: AcmeAccount, secrets: AccountSecrets) -> None:
    if secrets.binding_key:
        row.binding_key = seal(secrets.binding_key, BINDING)
    if secrets.dns_secret:
        row.dns_secret = seal(secrets.dns_secret, DNS_SECRET)


def _check(row: AcmeAccount) -> None:
    """DomainError for the first field that is missing or wrong."""
    wrong: Mapping[str, tuple[bool, Any]] = {
        "own_directory": (
            row.authority == AcmeAccount.Authority.OWN
            and not row.own_directory.startswith("https://"),
            _("Enter the directory’s address; it begins with https://."),
        ),
        "binding_key": (
            bool(row.binding_key_id) and not row.binding_key,
            _("Enter the HMAC key that belongs to the key id."),
        ),
        "dns_server": (
            bool(row.dns_kind) and not _is_server(row),
            _("Enter the server: host and port, or the address of the API."),
        ),
        "dns_key_name": (
            row.dns_kind == _Kind.RFC2136 and not row.dns_key_name,
            _("Enter the name of the key."),
        ),
        "dns_secret": (
            bool(row.dns_kind) and not row.dns_secret,
            _("Enter the secret that belongs to this server."),
        ),
        "accepts_terms": (
            row.is_on and row.terms_accepted_at is None,
            _("Certificates are asked for once you accept the terms of service."),
        ),
    }
    for name, (is_wrong, text) in wrong.items():
        if is_wrong:
            raise DomainError(text, field=name)


def _is_server(row: AcmeAccount) -> bool:
    if row.dns_kind == _Kind.POWERDNS:
        return row.dns_server.startswith(("https://", "http://"))
    try:
        host, port = split(row.dns_server)
    except ValueError:
        return False
    return bool(host) and "/" not in host and 0 < port < 65536


def _row_for_update() -> AcmeAccount:
    try:
        with transaction.atomic():
            AcmeAccount.objects.get_or_create(is_only=True)
    except IntegrityError:
        pass
    return AcmeAccount.objects.select_for_update().get(is_only=True)
