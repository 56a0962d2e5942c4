"""Writes about alert channels; their addresses and secrets are encrypted where they lie."""

import base64
import binascii
import re
from functools import lru_cache
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.db import IntegrityError, connection, transaction
from django.utils.translation import gettext as _

from apps.alerts.constants import MOST_CHANNELS
from apps.alerts.exceptions import ChannelAddressError
from apps.alerts.models import AlertChannel, AlertDelivery
from apps.alerts.sending import hand_over
from apps.core.exceptions import ConflictError, DomainError
from apps.events import services as events
from apps.events.actors import Actor
from apps.events.differences import CHANGED, differences
from apps.notifications.constants import WARNING
from apps.webhooks.services import reach
from dotmac.crypto.fields import Cipher, parse_keys
from dotmac.crypto.secret import Secret
from dotmac.net import OutOfReachError
from dotmac.webhooks import new_secret
from dotmac.webhooks.sending import check_url
from dotmac.webhooks.signing import PREFIX

_ADDRESS, _SECRET = "alerts_alertchannel.address", "alerts_alertchannel.secret"  # nosec B105
_COUNTING = "SELECT pg_advisory_xact_lock(hashtext('alert_channels'))"
_TOKEN = re.compile(r"[\x21-\x7e]{1,200}\Z")
_LEAST_KEY_BYTES = 24
_PLAIN = ("name", "severity", "is_on")


@transaction.atomic
def create_channel(
    *,
    name: str,
    kind: str,
    address: Secret,
    actor: Actor,
    secret: Secret | None = None,
    severity: str = WARNING,
    is_on: bool = True,
) -> tuple[AlertChannel, Secret | None]:
    """A channel, and the secret that was made for it, if one was: it is not shown again.

    DomainError names the field that is wrong; ConflictError for a name that is taken.
    """
    check_address(address)
    with connection.cursor() as cursor:
        # Two at once would each count one too few.
        cursor.execute(_COUNTING)
    if AlertChannel.objects.count() >= MOST_CHANNELS:
        text = _("There are %(most)s alert channels already. Remove one first.")
        raise DomainError(text % {"most": MOST_CHANNELS})
    made = new_secret() if kind == AlertChannel.Kind.WEBHOOK and not secret else None
    channel = AlertChannel(name=name, kind=kind, severity=severity, is_on=is_on)
    channel.address, channel.place = _sealed(address, _ADDRESS), _place_of(address)
    if key := made or secret:
        channel.secret = _sealed(checked_secret(kind, key), _SECRET)
    _save(channel)
    events.record("alert_channel.created", actor=actor, subject=channel, data=_said(channel))
    return channel, made


@transaction.atomic
def update_channel(
    channel: AlertChannel,
    *,
    actor: Actor,
    address: Secret | None = None,
    secret: Secret | None = None,
    **fields: Any,
) -> None:
    """Change name, severity or whether it is on; address and secret where they are given.

    DomainError names the field that is wrong; ConflictError for a name that is taken.
    """
    row = AlertChannel.objects.select_for_update().get(pk=channel.pk)
    before = _said(row)
    for name in _PLAIN:
        setattr(row, name, fields.get(name, getattr(row, name)))
    if address:
        check_address(address)
        if row.kind == AlertChannel.Kind.NTFY and row.place != _place_of(address):
            # Another host would be told the token of this one.
            row.secret = ""  # nosec B105
        row.address, row.place = _sealed(address, _ADDRESS), _place_of(address)
    if secret:
        row.secret = _sealed(checked_secret(row.kind, secret), _SECRET)
    _save(row)
    changed = {"address_changed": bool(address), "secret_changed": bool(secret)}
    said = _said(row)
    data = {**said, **changed, CHANGED: differences(before, said)}
    events.record("alert_channel.changed", actor=actor, subject=row, data=data)
    channel.refresh_from_db()


@transaction.atomic
def remove_channel(channel: AlertChannel, *, actor: Actor) -> None:
    """Take a channel away, with what it was sent."""
    events.record("alert_channel.removed", actor=actor, subject=channel, data=_said(channel))
    channel.delete()


@transaction.atomic
def send_test(channel: AlertChannel) -> AlertDelivery:
    """Have a test sent, whether the channel is on or not; the delivery says what came back."""
    delivery = AlertDelivery.objects.create(channel=channel, what=AlertDelivery.What.TEST)
    hand_over(delivery)
    return delivery


def address_of(channel: AlertChannel) -> Secret:
    """Where it leads; CipherError without its key."""
    return Secret(_cipher().decrypt(channel.address, context=_ADDRESS))


def secret_of(channel: AlertChannel) -> Secret | None:
    """What signs or opens it; CipherError without its key."""
    if not channel.secret:
        return None
    return Secret(_cipher().decrypt(channel.secret, context=_SECRET))


def check_address(address: Secret) -> None:
    """The same places as webhooks may go to; names are looked up when something is sent."""
    try:
        check_url(address.reveal(), reach(), looks_up=False)
    except (OutOfReachError, ValueError) as error:
        text = _(
            "Alerts are sent to public https addresses, and to networks of your own that this"
            " installation lists in WEBHOOK_NETWORKS."
        )
        raise ChannelAddressError(text, field="address") from error


def checked_secret(kind: str, secret: Secret) -> Secret:
    """DomainError for one that the kind cannot use; the error repeats nothing of it."""
    if kind == AlertChannel.Kind.SLACK:
        raise DomainError(_("Here the address is the secret; leave this empty."), field="secret")
    if kind == AlertChannel.Kind.NTFY and not _TOKEN.match(secret.reveal()):
        raise DomainError(_("A token has letters, digits and signs only."), field="secret")
    if kind == AlertChannel.Kind.WEBHOOK and not _is_signing_key(secret.reveal()):
        text = _("Write whsec_ and at least 24 bytes in base64, or leave it empty: one is made.")
        raise DomainError(text, field="secret")
    return secret


def _save(channel: AlertChannel) -> None:
    try:
        with transaction.atomic():
            channel.save()
    except IntegrityError as error:
        text = _("Another channel has the name “%(name)s”.") % {"name": channel.name}
        raise ConflictError(text, field="name") from error


def _is_signing_key(text: str) -> bool:
    try:
        key = base64.b64decode(text.removeprefix(PREFIX), validate=True)
    except (binascii.Error, ValueError):
        return False
    return text.startswith(PREFIX) and len(key) >= _LEAST_KEY_BYTES


def _place_of(address: Secret) -> str:
    parts = urlsplit(address.reveal())
    port = f":{parts.port}" if parts.port else ""
    return f"{parts.scheme}://{parts.hostname or ''}{port}"[:260]


def _said(channel: AlertChannel) -> dict[str, Any]:
    named = ("name", "kind", "place", "severity", "is_on")
    return {name: getattr(channel, name) for name in named}


def _sealed(value: Secret, context: str) -> str:
    return _cipher().encrypt(value.reveal(), context=context)


@lru_cache(maxsize=1)
def _cipher() -> Cipher:
    return Cipher(parse_keys(",".join(settings.FIELD_KEYS)))
