"""Complaints that mail providers report (ARF, RFC 5965): posted, or piped to us."""

import io
from types import SimpleNamespace
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.test import Client

from apps.branding.mail import compose
from apps.notifications.suppression import bounce_token
from apps.tenancy.kinds import operator, schema_of
from tests.conftest import Isp
from tests.notifications.test_returned import suppressed
from tests.pages.conftest import OPERATOR_HOST

# As a provider's feedback loop writes them.
COMPLAINT = """Return-Path: <>
From: <feedbackloop@isp.example>
To: <abuse@acme.example>
Subject: FW: Your plan changes
Date: Mon, 30 Nov 2026 17:40:36 +0000
MIME-Version: 1.0
Content-Type: multipart/report; report-type=feedback-report;
    boundary="part1_13d.2e68ed54_boundary"

--part1_13d.2e68ed54_boundary
Content-Type: text/plain; charset="US-ASCII"
Content-Transfer-Encoding: 7bit

This is an email abuse report for an email message received from IP
192.0.2.1 on Mon, 30 Nov 2026 14:00:00 +0000. For more information
about this format please see http://www.mipassoc.org/arf/.

--part1_13d.2e68ed54_boundary
Content-Type: message/feedback-report

Feedback-Type: {type}
User-Agent: SomeGenerator/1.0
Version: 1
{more}Original-Mail-From: <no-reply@acme.example>
Received-Date: Mon, 30 Nov 2026 14:00:00 +0000
Source-IP: 192.0.2.1
Authentication-Results: mail.isp.example;
    spf=pass smtp.mail=no-reply@acme.example
Reported-Domain: acme.example

--part1_13d.2e68ed54_boundary
Content-Type: {kind}
Content-Disposition: inline

{returned}
--part1_13d.2e68ed54_boundary--
"""
NAMED = "Original-Rcpt-To: <Dora@example.com>\n"
MAIL = "From: <no-reply@acme.example>\nTo: Dora Diaz <dora@example.com>\nSubject: Hi\n\nHello\n"


def complaint(
    *, type: str = "abuse", more: str = "", returned: str = MAIL, kind: str = "message/rfc822"
) -> str:
    return COMPLAINT.format(type=type, more=more, returned=returned, kind=kind)


@pytest.fixture
def post(acme: Isp, db: None) -> Any:
    client = Client(headers={"host": acme.workspace_host}, enforce_csrf_checks=True)
    with schema_of(acme.workspace):
        path = f"/notifications/bounces/{bounce_token()}/"

    def send(text: str, kind: str = "message/rfc822") -> Any:
        return client.generic("POST", path, text.replace("\n", "\r\n"), content_type=kind)

    return send


@pytest.mark.parametrize("kind", ["message/rfc822", "text/rfc822-headers"])
@pytest.mark.parametrize("more", [NAMED, ""])
def test_whoever_calls_a_mail_spam_gets_no_more(post: Any, acme: Isp, more: str, kind: str) -> None:
    assert post(complaint(more=more, kind=kind)).json() == {"suppressed": 1}
    assert suppressed(acme) == {"dora@example.com": "Complained: abuse"}


def test_its_body_alone_comes_with_its_own_content_type(post: Any, acme: Isp) -> None:
    _head, _empty, body = complaint(more=NAMED).partition("\n\n")
    kind = 'multipart/report; report-type=feedback-report; boundary="part1_13d.2e68ed54_boundary"'
    assert post(body, kind).json() == {"suppressed": 1}
    assert list(suppressed(acme)) == ["dora@example.com"]


@pytest.mark.parametrize("type", ["fraud", "virus", "not-spam", "auth-failure", "other", ""])
def test_other_feedback_says_nothing_of_the_address(post: Any, acme: Isp, type: str) -> None:
    assert post(complaint(type=type, more=NAMED)).json() == {"suppressed": 0}
    assert suppressed(acme) == {}


def test_several_receivers_are_each_taken(post: Any, acme: Isp) -> None:
    more = f"{NAMED}Original-Rcpt-To: <eve@example.com>\n"
    assert post(complaint(type="Abuse", more=more)).json() == {"suppressed": 2}
    assert sorted(suppressed(acme)) == ["dora@example.com", "eve@example.com"]


@pytest.mark.parametrize(
    "report",
    [
        complaint(returned="Subject: Hi\n\nHello\n"),
        complaint(returned="To: undisclosed-recipients:;\n\nHello\n"),
        complaint(more="Original-Rcpt-To: <[redacted]>\n"),
        complaint(more=NAMED).replace("message/feedback-report", "text/plain"),
    ],
)
def test_a_report_that_names_nobody_is_refused(post: Any, acme: Isp, report: str) -> None:
    assert post(report).status_code == 400
    assert suppressed(acme) == {}


def test_our_own_mail_tells_whom_it_was_to_where_the_provider_writes_another(
    post: Any, acme: Isp
) -> None:
    with schema_of(acme.workspace):
        mail = compose("branding/mail/test", {"url": ""}, to=["dora@example.com"], home_url="")
    hidden = "Original-Rcpt-To: <3f9a@redacted.isp.example>\n"
    text = complaint(more=hidden, returned=mail.message().as_string())
    assert post(text).json() == {"suppressed": 1}
    assert list(suppressed(acme)) == ["dora@example.com"]


def test_a_complaint_counts_where_the_mail_was_sent_from(
    acme: Isp, initech: Isp, db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    with schema_of(acme.workspace):
        mail = compose("branding/mail/test", {"url": ""}, to=["dora@example.com"], home_url="")
    text = complaint(returned=mail.message().as_string())

    def take(raw: str) -> str:
        monkeypatch.setattr("sys.stdin", SimpleNamespace(buffer=io.BytesIO(raw.encode())))
        out = io.StringIO()
        call_command("take_bounce", stdout=out)
        return out.getvalue()

    assert "failed for good: 0; complained: 1; suppressed: 1" in take(text)
    assert list(suppressed(acme)) == ["dora@example.com"]
    # Who copies a header into a report of their own making ends nobody else's mail.
    with pytest.raises(CommandError, match="no mail from here"):
        take(text.replace("To: dora@", "To: victim@"))
    assert suppressed(initech) == {}
    with operator():
        path = f"/notifications/bounces/{bounce_token()}/"
    client = Client(headers={"host": OPERATOR_HOST})
    answer = client.generic("POST", path, text, content_type="message/rfc822")
    assert answer.json() == {"suppressed": 0}
