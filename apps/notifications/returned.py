"""Mails that came back: delivery status notifications, as mail servers write them (RFC 3464)."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from email import message_from_bytes, policy
from email.message import Message

from django.core.exceptions import ValidationError
from django.core.validators import MaxLengthValidator, validate_email

from apps.branding.origins import HEADER

TYPES = ("message/rfc822", "multipart/report")
_STATUS = re.compile(r"\s*([245])\.(\d{1,3})\.(\d{1,3})")
# For good, though not of the address: a mailbox that is full, a message that is too long, the
# receiver's system, what the message holds, and whom its rules refuse (RFC 3463).
_NOT_OF_THE_ADDRESS = re.compile(r"5\.(?:2\.[23]|[367]\.\d+)\Z")
_MOST = 1000


class NoReportError(ValueError):
    """It is no delivery status notification, or one that names no address."""


@dataclass(frozen=True)
class Returned:
    """What became of a mail to one address."""

    address: str
    reason: str
    # Whether it is of no use to write there again.
    is_final: bool


@dataclass(frozen=True)
class Report:
    """What a notification tells, and the origin that the mail which came back carried."""

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
    fields = [one for part in parts for one in _of_recipients(part)]
    if not fields or len(fields) > _MOST:
        raise NoReportError(f"It is no delivery status notification of 1 to {_MOST} addresses.")
    return Report(tuple(_returned(one) for one in fields), _origin_in(parts))


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


def _origin_in(parts: list[Message]) -> str:
    """Of what came back: the whole mail, or its header alone."""
    for part in parts:
        kind, payload = part.get_content_type(), part.get_payload()
        if kind == "message/rfc822" and isinstance(payload, list) and payload:
            return str(payload[0][HEADER] or "") if isinstance(payload[0], Message) else ""
        if kind == "text/rfc822-headers":
            held = part.get_payload(decode=True)
            parsed = message_from_bytes(held if isinstance(held, bytes) else b"")
            return str(parsed[HEADER] or "")
    return ""
