"""Mails that somebody waits for: no request waits for a mail server, and no row tells a link."""

import re
import socket
import time
from collections.abc import Callable
from smtplib import SMTPRecipientsRefused
from typing import Any

import pytest
from django.core import mail
from django.utils import timezone

from apps.accounts.models import User
from apps.branding.models import MailDay, PostedMail
from apps.branding.post import GIVEN_UP_AFTER
from apps.tenancy.kinds import schema_of
from apps.work.models import Due
from tests.accounts.browser import Browser
from tests.accounts.people import FRONT, enter, is_in, somebody
from tests.live import in_vain

pytestmark = pytest.mark.django_db
RunDue = Callable[[], list[str]]
SEND = "django.core.mail.backends.locmem.EmailBackend.send_messages"
# The worker is what these tests are about (tests/conftest.py).
posts = True


def ask_for_password(email: str = "alice@example.net") -> None:
    Browser().submit(f"{FRONT}/accounts/password/reset/", {"email": email}, follow=False)


def all_due() -> None:
    Due.objects.update(due_at="2020-01-01T00:00Z")


def refuse(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    def sent(*_args: Any) -> int:
        raise error

    monkeypatch.setattr(SEND, sent)


def test_a_link_arrives_by_a_worker_and_leaves_nothing_behind(run_due: RunDue) -> None:
    somebody(FRONT, "alice")
    ask_for_password()
    assert mail.outbox == []
    with schema_of("public"):
        kept = str(list(PostedMail.objects.values())) + str(list(Due.objects.values()))
    assert "alice@example.net" not in kept
    assert "password/reset/key" not in kept
    run_due()
    (sent,) = mail.outbox
    assert sent.to == ["alice@example.net"]
    assert re.search(rf"{FRONT}/accounts/password/reset/key/\S+", sent.body)
    with schema_of("public"):
        assert not PostedMail.objects.exists()
        assert Due.objects.get(kind="mail").state == "done"


def test_signing_in_does_not_wait_for_a_mail_server_that_hangs(settings: Any) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    somebody(FRONT, "alice")
    enter(Browser(), FRONT, "alice@example.net")
    # It takes the connection and says nothing.
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        settings.EMAIL_HOST, settings.EMAIL_PORT = deaf.getsockname()
        begun, stranger = time.monotonic(), Browser()
        stranger.client("dotmac.localhost").defaults["HTTP_USER_AGENT"] = "Firefox on Windows"
        enter(stranger, FRONT, "alice@example.net")
        ask_for_password()
        assert time.monotonic() - begun < 5
    assert is_in(stranger, FRONT)
    with schema_of("public"):
        assert PostedMail.objects.count() == 2


def test_what_is_rolled_back_sends_nothing(run_due: RunDue) -> None:

    somebody(FRONT, "alice")
    in_vain(ask_for_password)
    run_due()
    assert mail.outbox == []


def test_a_server_that_is_away_is_asked_again_until_it_is_too_late(
    run_due: RunDue, monkeypatch: pytest.MonkeyPatch
) -> None:
    somebody(FRONT, "alice")
    ask_for_password()
    with monkeypatch.context() as away:
        refuse(away, ConnectionRefusedError("secret-of-the-server"))
        run_due()
        due = Due.objects.get(kind="mail")
        assert (due.state, due.reason) == (
            "waiting",
            "The mail server did not take it: ConnectionRefusedError",
        )
        assert (due.due_at - timezone.now()).total_seconds() < 3
        with schema_of("public"):
            PostedMail.objects.update(created_at=timezone.now() - GIVEN_UP_AFTER)
        all_due()
        run_due()
    assert Due.objects.get(kind="mail").state == "failed"
    with schema_of("public"):
        assert not PostedMail.objects.exists()


def test_a_server_that_comes_back_gets_it(run_due: RunDue, monkeypatch: pytest.MonkeyPatch) -> None:
    somebody(FRONT, "alice")
    ask_for_password()
    with monkeypatch.context() as away:
        refuse(away, TimeoutError())
        run_due()
    all_due()
    run_due()
    assert len(mail.outbox) == 1


def test_where_no_server_is_set_it_waits_and_costs_nothing_of_the_day(
    run_due: RunDue, settings: Any
) -> None:
    somebody(FRONT, "alice")
    ask_for_password()
    caught, settings.EMAIL_BACKEND = settings.EMAIL_BACKEND, "apps.core.mailbox.NoServerBackend"
    run_due()
    due = Due.objects.get(kind="mail")
    assert (due.state, due.reason) == ("waiting", "No mail server is set.")
    with schema_of("public"):
        assert MailDay.objects.get().security == 0
    settings.EMAIL_BACKEND = caught
    all_due()
    run_due()
    assert len(mail.outbox) == 1


def test_an_address_that_is_refused_for_good_is_not_tried_again(
    run_due: RunDue, monkeypatch: pytest.MonkeyPatch
) -> None:
    somebody(FRONT, "alice")
    ask_for_password()
    refuse(monkeypatch, SMTPRecipientsRefused({"alice@example.net": (550, b"5.1.1 unknown")}))
    run_due()
    assert Due.objects.get(kind="mail").state == "done"
    with schema_of("public"):
        assert not PostedMail.objects.exists()
        assert User.objects.filter(email="alice@example.net").exists()
