"""Mails that come back as delivery status notifications (RFC 3464): posted, or piped to us."""

import io
from types import SimpleNamespace
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.test import Client

from apps.branding.mail import compose
from apps.notifications.models import Suppressed
from apps.notifications.suppression import bounce_token
from apps.tenancy.kinds import operator, schema_of
from tests.conftest import Isp
from tests.pages.conftest import OPERATOR_HOST

# As Postfix writes them.
REPORT = """Return-Path: <>
From: MAILER-DAEMON@mail.example (Mail Delivery System)
Subject: Undelivered Mail Returned to Sender
Auto-Submitted: auto-replied
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary="B/mail.example"

This is a MIME-encapsulated message.

--B/mail.example
Content-Description: Notification
Content-Type: text/plain; charset=us-ascii

I'm sorry to have to inform you that your message could not be delivered.

--B/mail.example
Content-Description: Delivery report
Content-Type: message/delivery-status

Reporting-MTA: dns; mail.example
X-Postfix-Queue-ID: 4F2
Arrival-Date: Mon, 30 Nov 2026 09:00:00 +0000 (UTC)
{recipients}
--B/mail.example
Content-Description: Undelivered Message
Content-Type: {kind}

{returned}
--B/mail.example--
"""
RECIPIENT = """
Final-Recipient: rfc822; forwarded-{address}
Original-Recipient: rfc822;{address}
Action: {action}
Status: {status}
Remote-MTA: dns; mx.example.com
Diagnostic-Code: smtp; 550 {status} <{address}>: said
    so
"""
OUTCOMES = [
    ("gone@example.com", "failed", "5.1.1", True),
    ("off@example.com", "failed", "5.2.1", True),
    ("unsaid@example.com", "failed", "5.0.0", True),
    # Full, too long, refused by the receiver's rules: nothing that the address can be blamed for.
    ("full@example.com", "failed", "5.2.2", False),
    ("rules@example.com", "failed", "5.7.26", False),
    # Of a server that was away until it was given up.
    ("away@example.com", "failed", "4.4.1", False),
    ("late@example.com", "delayed", "4.4.1", False),
    ("there@example.com", "delivered", "2.1.5", False),
]


def report(
    *outcomes: tuple[str, str, str], returned: str = "Subject: Hi\n", kind: str = "message/rfc822"
) -> str:
    rows = [RECIPIENT.format(address=a, action=act, status=s) for a, act, s in outcomes]
    return REPORT.format(recipients="".join(rows), returned=returned, kind=kind)


def suppressed(isp: Isp) -> dict[str, str]:
    with schema_of(isp.workspace):
        return dict(Suppressed.objects.values_list("address", "reason"))


def test_a_mail_server_posts_what_came_back(acme: Isp, db: None) -> None:
    client = Client(headers={"host": acme.workspace_host}, enforce_csrf_checks=True)
    with schema_of(acme.workspace):
        path = f"/notifications/bounces/{bounce_token()}/"

    def post(text: str, kind: str = "message/rfc822") -> Any:
        return client.generic("POST", path, text.replace("\n", "\r\n"), content_type=kind)

    whole = report(*(one[:3] for one in OUTCOMES))
    wanted = [address for address, _action, _status, is_final in OUTCOMES if is_final]
    assert post(whole).json() == {"suppressed": len(wanted)}
    assert sorted(suppressed(acme)) == sorted(wanted)
    assert suppressed(acme)["gone@example.com"] == (
        "Bounced: 550 5.1.1 <gone@example.com>: said so"
    )
    # Its body alone, with the Content-Type of its own.
    _head, _empty, body = report(("new@example.com", "failed", "5.1.1")).partition("\n\n")
    kind = 'multipart/report; report-type=delivery-status; boundary="B/mail.example"'
    assert post(body, kind).json() == {"suppressed": 1}
    # A report inside of what came back tells nothing.
    inner = report(("victim@example.com", "failed", "5.1.1"))
    outer = report(("late@example.com", "delayed", "4.4.1"), returned="HERE")
    outer = outer.replace("B/mail.example", "A/mail.example").replace("HERE", inner)
    assert post(outer).json() == {"suppressed": 0}
    for nonsense in (
        "",
        "Subject: Hi\n\nHello",
        report(),
        report(("no address", "failed", "5.1.1")),
    ):
        assert post(nonsense).status_code == 400
    assert post(body, "multipart/report").status_code == 400
    assert len(suppressed(acme)) == len(wanted) + 1


def test_what_comes_back_to_the_operator_counts_where_it_was_sent(acme: Isp, db: None) -> None:
    with schema_of(acme.workspace):
        mail = compose("branding/mail/test", {"url": ""}, to=["dora@example.com"], home_url="")
    with operator():
        path = f"/notifications/bounces/{bounce_token()}/"
    rows = [(name, "failed", "5.1.1") for name in ("dora@example.com", "olga@dotmac.example")]
    text = report(*rows, returned=mail.message().as_string())
    client = Client(headers={"host": OPERATOR_HOST})
    answer = client.generic("POST", path, text, content_type="message/rfc822")
    assert answer.json() == {"suppressed": 2}
    assert list(suppressed(acme)) == ["dora@example.com"]
    with operator():
        assert [one.address for one in Suppressed.objects.all()] == ["olga@dotmac.example"]


@pytest.mark.parametrize("kind", ["message/rfc822", "text/rfc822-headers"])
def test_a_mailbox_is_piped_to_a_command(
    acme: Isp, initech: Isp, db: None, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    def take(text: str, *args: str) -> str:
        monkeypatch.setattr("sys.stdin", SimpleNamespace(buffer=io.BytesIO(text.encode())))
        out = io.StringIO()
        call_command("take_bounce", *args, stdout=out)
        return out.getvalue()

    with schema_of(acme.workspace):
        mail = compose("branding/mail/test", {"url": ""}, to=["Dora@example.com"], home_url="")
        returned = mail.message().as_string()
    gone = ("dora@example.com", "failed", "5.1.1")
    assert "suppressed: 1" in take(report(gone, returned=returned, kind=kind))
    assert list(suppressed(acme)) == ["dora@example.com"]
    assert suppressed(initech) == {}
    # Who copies a header reports nobody else by it, and nobody elsewhere.
    other = ("victim@example.com", "failed", "5.1.1")
    for text in (
        report(other, returned=returned, kind=kind),
        report(gone, returned=returned.replace(acme.workspace, initech.workspace), kind=kind),
        report(gone),
        "Subject: Hi\n\nHello",
    ):
        with pytest.raises(CommandError) as refused:
            take(text)
        assert refused.value.returncode == 65
    assert "failed for good: 0" in take(report(("a@example.com", "delayed", "4.4.1")))
    # Where all mails of a mailbox are of one level, it is named.
    assert "suppressed: 1" in take(report(gone), initech.workspace)
    assert list(suppressed(initech)) == ["dora@example.com"]
