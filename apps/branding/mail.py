"""Every mail is composed here: one text, from which come plain text and HTML in the brand.

A mail's template is plain text whose blocks are divided by empty lines. A block
`[Choose a password] https://…` becomes a button, the code of the context a large code, and
everything else a paragraph (ADR 011).
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from email.utils import formataddr, parseaddr
from functools import partial
from smtplib import SMTPException
from typing import Any

import structlog
from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.template.loader import render_to_string
from mjml import mjml2html

from apps.branding.colours import DARK_GROUNDS
from apps.branding.looks import Look, look_in_force
from apps.branding.metrics import counted
from apps.branding.models import Sender
from apps.branding.origins import HEADER, origin_for
from apps.branding.outcomes import note_sending
from apps.branding.quota import give_mail_back, take_mail
from apps.branding.senders import own_sender, server_of
from apps.branding.smtp import OwnServer
from apps.core.mailbox import NoServerError
from dotmac.telemetry import tracing

log = structlog.get_logger(__name__)
_BUTTON = re.compile(r"\[([^\]\n]+)\] (\S+)\Z")
_LAYOUT = "mail/letter.mjml"
# No holiday notes in answer to what a program wrote (RFC 3834).
_HEADERS = {"Auto-Submitted": "auto-generated", "X-Auto-Response-Suppress": "All"}


@dataclass(frozen=True)
class Block:
    """A part of a mail: a paragraph's lines, a button, or a code."""

    lines: tuple[str, ...] = ()
    label: str = ""
    url: str = ""
    code: str = ""

    @property
    def text(self) -> str:
        """The part in plain text, where a button is its address."""
        return self.url or self.code or "\n".join(self.lines)


@dataclass(frozen=True)
class Letter:
    """A mail before it is addressed."""

    subject: str
    text: str
    html: str


class WatchedMail(EmailMultiAlternatives):
    """A mail that says what became of it (branding.outcomes)."""

    # To somebody who did not ask for it; it was counted when it was posted (guests).
    is_for_guest = False

    def send(self, fail_silently: bool = False, **options: Any) -> int:
        """As usual; SMTPException or OSError where it is not taken."""
        is_own = isinstance(self.connection, OwnServer)
        span = tracing.span("mail", kind=tracing.CLIENT, dotmac__own_server=is_own)
        with counted(is_own=is_own), note_sending(is_own=is_own), span:
            return super().send(fail_silently, **options)


def compose(
    template: str, context: Mapping[str, Any], *, to: Sequence[str], home_url: str
) -> EmailMultiAlternatives:
    """A mail in the brand of the current schema, from `<template>_subject.txt` and `_message.txt`.

    `home_url` is the first page of the host that it is about. Send it outside a transaction.
    """
    letter = write_letter(template, context, look=look_in_force(), home_url=home_url)
    return addressed(letter, to=to)


def addressed(letter: Letter, *, to: Sequence[str]) -> WatchedMail:
    """A letter as a mail from the sender in force."""
    look, own = look_in_force(), own_sender()
    message = WatchedMail(
        subject=letter.subject,
        body=letter.text,
        from_email=from_address(look, own),
        connection=server_of(own) if own else None,
        to=list(to),
        reply_to=[look.support_email] if look.support_email else None,
        headers={**_HEADERS, **({HEADER: origin_for(to[0])} if len(to) == 1 else {})},
    )
    message.attach_alternative(letter.html, "text/html")
    return message


def send_now(message: WatchedMail) -> str:
    """Send what somebody waits for: by the installation's server where the level's own fails.

    A mistake in the sender then keeps nobody from a new password. Where there is no server at all,
    or the high bound of such mails is reached, the log and the owners' first page say so, and what
    is returned says why it was not sent; else it is empty. A mail to a guest was counted before,
    and leaves by the level's own server or not at all.
    """
    if message.is_for_guest:
        return _said_where_no_server(message.send)
    if not take_mail(is_security=True):
        log.error("mail_not_sent", reason="quota")
        return "The bound of sign-in mails for today is reached."
    try:
        why = _said_where_no_server(partial(_send, message))
    except (OSError, SMTPException):
        give_mail_back(is_security=True)
        raise
    if why:
        give_mail_back(is_security=True)
    return why


def _said_where_no_server(send: Callable[[], object]) -> str:
    try:
        send()
    except NoServerError as error:
        log.error("mail_not_sent", reason="no_server")
        return str(error)
    return ""


def _send(message: WatchedMail) -> None:
    try:
        message.send()
    except (OSError, SMTPException) as error:
        if not isinstance(message.connection, OwnServer):
            raise
        log.warning("own_mail_server_failed", error=type(error).__name__)
        message.connection, message.from_email = None, from_address(look_in_force(), None)
        message.send()


def write_letter(
    template: str, context: Mapping[str, Any], *, look: Look, home_url: str, scheme: str = ""
) -> Letter:
    """The texts of a mail; `scheme` holds it in "light" or "dark" where a preview shows both."""
    values = {**context, "brand": look}
    subject = " ".join(render_to_string(f"{template}_subject.txt", values).split())
    written = render_to_string(f"{template}_message.txt", values)
    blocks = blocks_of(written, context)
    around = {"look": look, "home_url": home_url, "footer": _footer(look)}
    source = render_to_string(
        _LAYOUT,
        {
            **around,
            "subject": subject,
            "blocks": blocks,
            "shades": look.shades,
            "dark_ground": DARK_GROUNDS[1],
            "dark_surface": DARK_GROUNDS[0],
            "scheme": scheme,
        },
    )
    parts = [block.text for block in blocks] + [
        "\n".join(["-- ", look.name, home_url, *_footer(look)])
    ]
    return Letter(subject, "\n\n".join(parts), mjml2html(source, disable_comments=True))


def blocks_of(written: str, context: Mapping[str, Any]) -> list[Block]:
    """The blocks of a rendered text.

    Only an address that the context holds makes a button: a name with a bracket in it does not.
    """
    links = {value for value in context.values() if isinstance(value, str)}
    parts = (part.strip() for part in re.split(r"\n[ \t]*\n", written.strip()))
    return [_block(part, links, str(context.get("code") or "")) for part in parts if part]


def from_address(look: Look, own: Sender | None) -> str:
    """Who a mail is from: the brand, at its own address or at that of this installation."""
    address = own.address if own else parseaddr(settings.DEFAULT_FROM_EMAIL)[1]
    return formataddr((look.sender_name or look.name, address))


def _block(part: str, links: set[str], code: str) -> Block:
    button = _BUTTON.match(part)
    if button and button[2] in links and button[2].startswith(("https://", "http://")):
        return Block(label=button[1], url=button[2])
    if part == code:
        return Block(code=code)
    return Block(lines=tuple(line.strip() for line in part.splitlines()))


def _footer(look: Look) -> list[str]:
    contact = " · ".join(filter(None, [look.support_email, look.support_phone, look.support_hours]))
    return [line for line in (look.footer, contact) if line]
