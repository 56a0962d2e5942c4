"""The own sender of a level: the address mails are from, and its own mail server."""

from dataclasses import asdict, dataclass, replace
from functools import lru_cache
from ipaddress import ip_address
from typing import Any

from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from apps.branding.models import Sender
from apps.branding.smtp import PORTS, OwnServer
from apps.core.exceptions import ConflictError, DomainError
from apps.events import services as events
from apps.events.actors import Actor, Subject
from apps.events.differences import CHANGED, differences, values_of
from apps.work import services as work
from apps.work.words import words as words_of
from dotmac.crypto.fields import Cipher, parse_keys
from dotmac.crypto.secret import Secret

# The work that looks at the domain; there is one in each schema.
CHECK, ONLY = "mail.domain", "1"
_CHECK_TITLE = gettext_noop("Check SPF, DKIM and DMARC of the sender’s domain")
_MOST_ADDRESSES = 10
_PLACE = "branding_sender.password"


@dataclass(frozen=True)
class SenderWords:
    """What an owner enters, without the password."""

    address: str
    dkim_selector: str
    host: str
    port: int
    security: str
    username: str
    is_on: bool
    # IP addresses from which its mails leave, divided by blanks or commas; empty: not known.
    sending_addresses: str = ""


@transaction.atomic
def save_sender(
    words: SenderWords, *, password: Secret | None, version: int, actor: Actor
) -> Sender:
    """Change the sender; without `password` the one it has stays, as long as the server does.

    DomainError names the field that is wrong; ConflictError when somebody has saved since.
    """
    words = replace(words, sending_addresses=", ".join(parse_addresses(words.sending_addresses)))
    _check(words)
    row = _row_for_update()
    if row.version != version:
        raise ConflictError(_("Somebody else has changed this meanwhile. Look at it again."))
    if (row.host, row.username) != (words.host, words.username):
        # Another server would be told the password of this one.
        row.password = ""  # nosec B105
        if words.is_on and words.username and not password:
            raise DomainError(
                _("Server or user name is another one. Enter the password that belongs to it."),
                field="password",
            )
    said = asdict(words)
    before = values_of(row, said)
    for name, value in said.items():
        setattr(row, name, value)
    if password:
        row.password = _cipher().encrypt(password.reveal(), context=_PLACE)
    row.version += 1
    row.save()
    if row.address:
        call_for_check()
    data = {**said, "password_changed": bool(password), CHANGED: differences(before, said)}
    events.record(
        "sender.changed", actor=actor, subject=Subject("sender", "1", "Sender"), data=data
    )
    return row


def sender_as_it_is() -> Sender:
    """The sender of the current schema; an unsaved one where there is none."""
    return Sender.objects.first() or Sender()


def own_sender() -> Sender | None:
    """The sender that is in force; None where mails leave by the installation's server."""
    return Sender.objects.filter(is_on=True).first()


def server_of(sender: Sender) -> OwnServer:
    """The way to its mail server; opened when a mail is sent."""
    opened = _cipher().decrypt(sender.password, context=_PLACE) if sender.password else ""
    secure: dict[str, Any] = {
        "use_tls": sender.security == Sender.Security.STARTTLS,
        "use_ssl": sender.security == Sender.Security.TLS,
    }
    return OwnServer(
        host=sender.host,
        port=sender.port,
        username=sender.username,
        password=opened,
        **secure,
    )


def parse_addresses(text: str) -> list[str]:
    """IP addresses as they were entered; DomainError names the first that is none."""
    found = text.replace(",", " ").split()
    if len(found) > _MOST_ADDRESSES:
        said = _("Enter up to %(most)s addresses.") % {"most": _MOST_ADDRESSES}
        raise DomainError(said, field="sending_addresses")
    return [_address_of(one) for one in dict.fromkeys(found)]


def call_for_check() -> None:
    """Have the domain of the current schema's mails looked at by a worker (domain_state)."""
    work.ensure(CHECK, ONLY, title=words_of(_CHECK_TITLE))
    # Under the lock of its row, so that one who is at it sees what this transaction changes.
    work.hasten(CHECK, ONLY)


def _address_of(text: str) -> str:
    try:
        return str(ip_address(text))
    except ValueError:
        said = _("“%(text)s” is no IP address. Write it as in 192.0.2.10.") % {"text": text[:60]}
        raise DomainError(said, field="sending_addresses") from None


def _check(words: SenderWords) -> None:
    if words.is_on and not (words.address and words.host):
        raise DomainError(_("Enter the address and the server first."), field="is_on")
    if settings.DEVELOPMENT:
        return
    if words.port not in PORTS:
        raise DomainError(_("Mail servers listen on 465, 587, 25 or 2525."), field="port")
    if words.username and words.security == Sender.Security.NONE:
        raise DomainError(
            _("A password is not sent without encryption. Choose TLS or STARTTLS."),
            field="security",
        )


def _row_for_update() -> Sender:
    try:
        with transaction.atomic():
            Sender.objects.get_or_create(is_only=True)
    except IntegrityError:
        pass
    return Sender.objects.select_for_update().get(is_only=True)


@lru_cache(maxsize=1)
def _cipher() -> Cipher:
    return Cipher(parse_keys(",".join(settings.FIELD_KEYS)))
