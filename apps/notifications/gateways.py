"""The SMS gateway of a schema: its settings, with the headers that hold its secret encrypted."""

import json
import re
from dataclasses import asdict, dataclass
from functools import lru_cache
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from apps.accounts.models import User
from apps.core.exceptions import ConflictError, DomainError
from apps.events import services as events
from apps.events.actors import Actor, Subject
from apps.events.differences import CHANGED, differences
from apps.notifications.constants import EMAIL, INBOX, SMS
from apps.notifications.models import Phone, SmsGateway
from apps.notifications.sms import HttpGateway, Texter, parsed_body
from dotmac.crypto.fields import Cipher, parse_keys
from dotmac.crypto.secret import Secret

_PLACE = "notifications_smsgateway.headers"
_HEADER = re.compile(r"([A-Za-z0-9-]+):[ \t]*([\x20-\x7e]+)\Z")
# E.164.
_NUMBER = re.compile(r"\+[1-9][0-9]{6,14}\Z")


@dataclass(frozen=True)
class Gateway:
    """What an owner enters, without the secret."""

    url: str
    method: str
    format: str
    body: str
    is_on: bool


@transaction.atomic
def save_gateway(
    wanted: Gateway, *, headers: Secret | None, version: int, actor: Actor
) -> SmsGateway:
    """Change the gateway; without `headers` those it has stay.

    DomainError names the field that is wrong; ConflictError when somebody has saved since.
    """
    _check(wanted)
    row = _row_for_update()
    if row.version != version:
        raise ConflictError(_("Somebody else has changed this meanwhile. Look at it again."))
    if _place_of(row.url) != _place_of(wanted.url):
        # Another host would be told the secret of this one.
        row.headers = ""
    before = _said(row)
    for name, value in asdict(wanted).items():
        setattr(row, name, value)
    if headers:
        row.headers = _cipher().encrypt(json.dumps(_parsed(headers)), context=_PLACE)
    row.version += 1
    row.save()
    said = _said(row)
    data = {**said, "headers_changed": bool(headers), CHANGED: differences(before, said)}
    about = Subject("smsgateway", "1", "SMS gateway")
    events.record("sms_gateway.changed", actor=actor, subject=about, data=data)
    return row


def _said(row: SmsGateway) -> dict[str, Any]:
    # A provider's address may hold a key.
    return {"host": urlsplit(row.url).hostname, "method": row.method, "is_on": row.is_on}


def gateway_as_it_is() -> SmsGateway:
    """The gateway of the current schema; an unsaved one where there is none."""
    return SmsGateway.objects.first() or SmsGateway()


def texter() -> Texter | None:
    """What takes text messages in the current schema; None where nothing does."""
    row = SmsGateway.objects.filter(is_on=True).first()
    if row is None:
        return None
    headers = json.loads(_cipher().decrypt(row.headers, context=_PLACE)) if row.headers else {}
    return HttpGateway(row.url, row.method, row.format, row.body, headers)


def sends_sms() -> bool:
    """Whether text messages leave the current schema."""
    return SmsGateway.objects.filter(is_on=True).exists()


def channels_for(user: User) -> tuple[str, ...]:
    """The ways to a person: text messages are for staff, where there is a gateway."""
    return (INBOX, EMAIL, SMS) if user.is_staff and sends_sms() else (INBOX, EMAIL)


def set_number(user: User, number: str) -> None:
    """Keep a person's mobile number, or none; DomainError for what is no number."""
    plain = re.sub(r"[ ()./-]", "", number)
    if not plain:
        Phone.objects.filter(user=user).delete()
        return
    if not _NUMBER.match(plain):
        raise DomainError(
            _("Write the number with its country, as +46 70 123 45 67."), field="number"
        )
    Phone.objects.update_or_create(user=user, defaults={"number": plain})


def number_of(user: User) -> str:
    """A person's mobile number, or nothing."""
    return Phone.objects.filter(user=user).values_list("number", flat=True).first() or ""


def _check(wanted: Gateway) -> None:
    schemes = ("https://", "http://") if settings.DEVELOPMENT else ("https://",)
    if not wanted.url.startswith(schemes):
        raise DomainError(_("A gateway is reached over https."), field="url")
    try:
        parsed_body(wanted.format, wanted.body)
    except ValueError as error:
        text = _("This body cannot be sent: %(why)s.")
        raise DomainError(text % {"why": error}, field="body") from error


def _place_of(url: str) -> tuple[str, str | None, int | None]:
    parts = urlsplit(url)
    return parts.scheme, parts.hostname, parts.port


def _parsed(headers: Secret) -> dict[str, str]:
    """Lines of `Name: value`; the error repeats none of them."""
    lines = [line.strip() for line in headers.reveal().splitlines() if line.strip()]
    found = [_HEADER.match(line) for line in lines]
    if not all(found):
        raise DomainError(
            _("Write each header on a line of its own, as “Name: value”."), field="headers"
        )
    return {match[1]: match[2].strip() for match in found if match}


def _row_for_update() -> SmsGateway:
    try:
        with transaction.atomic():
            SmsGateway.objects.get_or_create(is_only=True)
    except IntegrityError:
        pass
    return SmsGateway.objects.select_for_update().get(is_only=True)


@lru_cache(maxsize=1)
def _cipher() -> Cipher:
    return Cipher(parse_keys(",".join(settings.FIELD_KEYS)))
