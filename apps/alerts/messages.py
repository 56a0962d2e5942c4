"""What a channel is sent: a signed webhook, the JSON of Slack, or plain text as ntfy takes it."""

import base64
import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from apps.accounts.addresses import home_url
from apps.accounts.zones import writing_to
from apps.alerts.channels import address_of, secret_of
from apps.alerts.models import Alert, AlertChannel, AlertDelivery, Severity
from apps.branding.looks import look_in_force
from apps.notifications.registry import kind_named, rendered
from dotmac.crypto.secret import Secret
from dotmac.webhooks import Message, sign
from dotmac.webhooks.signing import ID, SIGNATURE, TIMESTAMP

_What = AlertDelivery.What
# ntfy's priorities, of which 3 is the ordinary one, and its short codes of emojis.
_PRIORITIES = {Severity.INFO: "3", Severity.WARNING: "4", Severity.CRITICAL: "5"}
_TAGS = {Severity.INFO: "information_source", Severity.WARNING: "warning"}
_LONGEST = 1000


@dataclass(frozen=True)
class Words:
    """What is told, in the language of the level."""

    heading: str
    body: str
    url: str


def message_for(delivery: AlertDelivery) -> Message:
    """The request to make; CipherError where the key of address or secret is missing."""
    channel = delivery.channel
    with writing_to(None):
        words = _words(delivery)
        build = _KINDS[AlertChannel.Kind(channel.kind)]
        body, headers = build(delivery, words, secret_of(channel))
    return Message(address_of(channel).reveal(), body, headers)


def _words(delivery: AlertDelivery) -> Words:
    name, alert = look_in_force().name, delivery.alert
    if alert is None:
        text = _("This is a test of the alert channel “%(name)s”.") % {"name": delivery.channel}
        return Words(f"{name}: {text}", "", home_url("/admin/"))
    heading, body = alert.heading, alert.body
    if delivery.what == _What.RESOLVED:
        over = kind_named(alert.resolved_kind)
        data = {**alert.data, **alert.resolved_data}
        heading, body = rendered(over.heading, data), rendered(over.body, data)
    url = home_url(alert.url) if alert.url else home_url("/admin/")
    return Words(f"{name}: {heading}"[:_LONGEST], body[:_LONGEST], url)


def _webhook(
    delivery: AlertDelivery, words: Words, secret: Secret | None
) -> tuple[bytes, Mapping[str, str]]:
    at, message_id = int(time.time()), str(delivery.uuid)
    said = {
        "id": message_id,
        "type": f"alert.{delivery.what}",
        "timestamp": delivery.created_at.isoformat().replace("+00:00", "Z"),
        "data": {
            "heading": words.heading,
            "body": words.body,
            "url": words.url,
            **_facts(delivery.alert),
        },
    }
    body = json.dumps(said, ensure_ascii=False, separators=(",", ":")).encode()
    signature = sign(message_id, at, body, [secret] if secret else [])
    return body, {ID: message_id, TIMESTAMP: str(at), SIGNATURE: signature}


def _facts(alert: Alert | None) -> dict[str, Any]:
    if alert is None:
        return {"alert": None, "kind": "alert.test", "severity": Severity.INFO.value, "about": ""}
    named = {"kind": alert.kind, "severity": alert.severity, "about": alert.about}
    return {"alert": str(alert.uuid), **named}


def _slack(
    delivery: AlertDelivery, words: Words, _secret: Secret | None
) -> tuple[bytes, Mapping[str, str]]:
    """`<!channel>` in a name would call everybody, so that what Slack reads is escaped."""
    lines = [f"{_mark(delivery)} {words.heading}", words.body]
    text = "\n".join(line for line in lines if line)
    for sign_, name in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;")):
        text = text.replace(sign_, name)
    return json.dumps({"text": f"{text}\n{words.url}"}).encode(), {}


def _mark(delivery: AlertDelivery) -> str:
    if delivery.alert is None or delivery.what == _What.RESOLVED:
        return f"[{delivery.get_what_display()}]"
    return f"[{delivery.alert.get_severity_display()}]"


def _ntfy(
    delivery: AlertDelivery, words: Words, secret: Secret | None
) -> tuple[bytes, Mapping[str, str]]:
    is_over = delivery.alert is None or delivery.what == _What.RESOLVED
    severity = Severity.INFO if is_over else Severity(delivery.alert.severity)  # type: ignore[union-attr]
    headers = {
        "Content-Type": "text/plain; charset=utf-8",
        "Title": _encoded(f"{_mark(delivery)} {words.heading}"),
        "Priority": _PRIORITIES[severity],
        "Tags": "white_check_mark" if is_over else _TAGS.get(severity, "rotating_light"),
        "Click": words.url,
        **({"Authorization": f"Bearer {secret.reveal()}"} if secret else {}),
    }
    return (words.body or words.heading).encode(), headers


def _encoded(text: str) -> str:
    """For a header (RFC 2047), whatever letters and ends of lines are in it."""
    return f"=?UTF-8?B?{base64.b64encode(text.encode()).decode()}?="


_Build = Callable[[AlertDelivery, Words, Secret | None], tuple[bytes, Mapping[str, str]]]
_KINDS: dict[AlertChannel.Kind, _Build] = {
    AlertChannel.Kind.WEBHOOK: _webhook,
    AlertChannel.Kind.SLACK: _slack,
    AlertChannel.Kind.NTFY: _ntfy,
}
