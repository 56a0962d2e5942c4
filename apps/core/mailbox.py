"""A mailbox instead of a mail server: each message is a file, shown at /dev/mail/."""

import uuid
from collections.abc import Iterable, Sequence
from email import message_from_bytes, policy
from email.message import EmailMessage as Parsed
from email.utils import getaddresses
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.mail import EmailMessage
from django.core.mail.backends.base import BaseEmailBackend
from django.utils import timezone


def folder() -> Path:
    """Where the messages lie."""
    return Path(settings.VAR_DIR) / "mail"


class MailboxBackend(BaseEmailBackend):
    """Keeps messages as files, newest last by name."""

    def send_messages(self, email_messages: Sequence[EmailMessage]) -> int:
        """Write each message; returns how many."""
        folder().mkdir(parents=True, exist_ok=True)
        for message in email_messages:
            name = f"{timezone.now():%Y%m%d%H%M%S%f}-{uuid.uuid4().hex[:6]}.eml"
            (folder() / name).write_bytes(message.message().as_bytes())
        return len(email_messages)


class NoServerError(OSError):
    """No mail server is set, so nothing leaves."""

    def __init__(self) -> None:
        super().__init__("No mail server is set.")


class NoServerBackend(BaseEmailBackend):
    """Where a workspace has no mail server: says so, instead of keeping what nobody reads."""

    def send_messages(self, email_messages: Sequence[EmailMessage]) -> int:
        """NoServerError."""
        raise NoServerError


def has_server() -> bool:
    """Whether this installation can send mail, or catches it where it is developed."""
    return not str(settings.EMAIL_BACKEND).endswith("NoServerBackend")


def forget_messages(addresses: Iterable[str]) -> int:
    """Delete the messages to any of the addresses; returns how many."""
    wanted, count = {address.lower() for address in addresses}, 0
    for file in folder().glob("*.eml"):
        parsed = message_from_bytes(file.read_bytes(), policy=policy.default)
        if any(address.lower() in wanted for _name, address in getaddresses([str(parsed["To"])])):
            file.unlink(missing_ok=True)
            count += 1
    return count


def messages(limit: int = 100) -> list[dict[str, Any]]:
    """The newest messages first: id, to, subject, at."""
    files = sorted(folder().glob("*.eml"), reverse=True)[:limit]
    return [read(file.stem) for file in files]


def read(message_id: str) -> dict[str, Any]:
    """One message with its text; KeyError when there is none of that id."""
    file = folder() / f"{Path(message_id).name}.eml"
    if not file.is_file():
        raise KeyError(message_id)
    parsed = message_from_bytes(file.read_bytes(), policy=policy.default)
    assert isinstance(parsed, Parsed)
    body, html = parsed.get_body(("plain",)), parsed.get_body(("html",))
    return {
        "id": file.stem,
        "to": parsed["To"],
        "from": parsed["From"],
        "subject": parsed["Subject"],
        "at": parsed["Date"].datetime if parsed["Date"] else None,
        "text": body.get_content() if body else "",
        "html": html.get_content() if html else "",
    }
