"""Mails that came back: delivery status notifications (RFC 3464), and complaints (RFC 5965)."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from email import message_from_bytes, policy
from email.message import Message
from email.utils import getaddresses

from django.core.exceptions import ValidationError
from django.core.validators import MaxLengthValidator, validate_email

from apps.branding.origins import HEADER, origin_of

TYPES = ("message/rfc822", "multipart/report")
_STATUS = re.compile(r"\s*([245])\.(\d{1,3})\.(\d{1,3})")
# For good, though not of the address: a mailbox that is full, a message that is too long, the
# receiver's system, what the message holds, and whom its rules refuse (RFC 3463).
_NOT_OF_THE_ADDRESS = re.compile(r"5\.(?:2\.[23]|[367]\.\d+)\Z")
# What people say who press “This is spam”; other types tell of fraud, viruses and signatures.
_SPAM = "abuse"
_MOST = 1000


class NoReportError(ValueError):
    """It is neither a delivery status notification nor a complaint, or names no address."""


@dataclass(frozen=True)
class Returned:
    """What became of a mail to one address."""

    address: str
    reason: str
    # Whether it is of no use to write there again.
    is_final: bool
    is_complaint: bool = False


@dataclass(frozen=True)
class Report:
    """What a report tells, and the origin that the mail which came back carried."""

    returned: tuple[Returned, ...]
    origin: str


def read_report(raw: bytes, content_type: str = TYPES[0]) -> Report:
    """A whole message; or the body alone of one with this Content-Type. NoReportError for others.

    RecursionError where it is nested too deeply.
    """
    if not content_type.lower().startswith(TYPES[0]):
        raw = f"Content-Type: {content_type}\r\n\r\n".encode("ascii", "replace") + raw
    # The old policy: what is malformed is kept as text, and raises nothing.
    parts = _parts_of(message_from_bytes(raw, policy=policy.compat32))
    came_back = _came_back(parts)
    fields = [one for part in parts for one in _of_recipients(part)]
    returned = [_returned(one) for one in fields[: _MOST + 1]]
    for part in parts:
        returned += _complained(part, came_back)
    if not returned or len(returned) > _MOST:
        raise NoReportError(
            "It is no delivery status notification and no feedback report of 1 to"
            f" {_MOST} addresses."
        )
    return Report(tuple(returned), str(came_back[HEADER] or "") if came_back else "")


def _parts_of(message: Message) -> list[Message]:
    """The parts of the outermost report; what came back may hold another, which says nothing."""
    for part in message.walk():
        if part.get_content_type() == "multipart/report" and part.is_multipart():
            return [one for one in part.get_payload() if isinstance(one, Message)]
    return []


def _of_recipients(part: Message) -> Iterator[Message]:
    if part.get_content_type() != "message/delivery-status" or not part.is_multipart():
        return
    for block in part.get_payload():
        if isinstance(block, Message) and block["Final-Recipient"]:
            yield block


def _returned(block: Message) -> Returned:
    address = _address_in(block["Original-Recipient"]) or _address_in(block["Final-Recipient"])
    if not address:
        raise NoReportError("A recipient is missing or is no e-mail address.")
    said = _STATUS.match(str(block["Status"] or ""))
    status = ".".join(said.groups()) if said else ""
    is_failed = str(block["Action"] or "").strip().lower() == "failed"
    is_final = is_failed and status[:1] == "5" and not _NOT_OF_THE_ADDRESS.match(status)
    code = str(block["Diagnostic-Code"] or "").partition(";")[2].replace("\0", "")
    why = " ".join(code.split()) or status
    return Returned(address, f"Bounced: {why}", is_final)


def _complained(part: Message, came_back: Message | None) -> Iterator[Returned]:
    """What a feedback report says: whom the mail was to, and whether they called it spam."""
    payload = part.get_payload()
    if part.get_content_type() != "message/feedback-report" or not isinstance(payload, list):
        return
    said = payload[0]
    if not isinstance(said, Message):
        return
    kind = str(said["Feedback-Type"] or "").strip().lower().replace("\0", "")
    for text in _receivers(said, came_back):
        address = _address_in(f"rfc822;{text}")
        if not address:
            raise NoReportError("Whom the mail was to is missing or is no e-mail address.")
        yield Returned(address, f"Complained: {kind}", kind == _SPAM, is_complaint=True)


def _receivers(said: Message, came_back: Message | None) -> list[str]:
    """Whom the mail was to: providers leave that out, or write something of theirs instead."""
    to = _addresses(came_back, "To") if came_back else []
    origin = str(came_back[HEADER] or "") if came_back else ""
    ours = [one for one in to if origin_of(origin, one)]
    return ours or _addresses(said, "Original-Rcpt-To") or to


def _addresses(message: Message, header: str) -> list[str]:
    found = [str(one) for one in message.get_all(header, [])]
    return [address for _name, address in getaddresses(found)]


def _address_in(field: object) -> str:
    """Of `rfc822; dora@example.com`; empty for what is none."""
    kind, _semicolon, text = str(field or "").partition(";")
    address = text.strip().strip("<>")
    try:
        validate_email(address)
        MaxLengthValidator(254)(address)
    except ValidationError:
        return ""
    return address if kind.strip().lower() == "rfc822" else ""


def _came_back(parts: list[Message]) -> Message | None:
    """The mail that is reported, whole or its header alone."""
    for part in parts:
        kind, payload = part.get_content_type(), part.get_payload()
        if kind == "message/rfc822" and isinstance(payload, list) and payload:
            return payload[0] if isinstance(payload[0], Message) else None
        if kind == "text/rfc822-headers":
            held = part.get_payload(decode=True)
            return message_from_bytes(held if isinstance(held, bytes) else b"")
    return None
