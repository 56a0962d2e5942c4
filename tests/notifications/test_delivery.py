"""Messages on their way out: sent after the commit, tried again, and written down."""

from collections.abc import Callable
from smtplib import SMTPRecipientsRefused, SMTPServerDisconnected
from typing import Any

import pytest
import time_machine
from django.core import mail
from django.test import Client

from apps.accounts.models import User
from apps.branding.services import NewPictures, Words, save_brand
from apps.events.actors import SYSTEM
from apps.notifications.constants import PAUSES_S
from apps.notifications.models import Delivery, Notification
from apps.tenancy.kinds import schema_of
from apps.work.models import Due
from tests.accounts.browser import text_of
from tests.conftest import Isp
from tests.notifications.conftest import browser_of, person
from tests.pages.conftest import browser

Tell = Callable[..., Notification]
RunDue = Callable[[], list[str]]
LOG = "/admin/notifications/delivery/"
SEND = "django.core.mail.backends.locmem.EmailBackend.send_messages"


def delivery_of(acme: Isp) -> Delivery:
    with schema_of(acme.console):
        return Delivery.objects.get()


def refuse(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    """A mail server that takes nothing."""

    def sent(*args: Any) -> int:
        raise error

    monkeypatch.setattr(SEND, sent)


def all_due() -> None:
    """Time passes."""
    Due.objects.update(due_at="2020-01-01T00:00Z")


def test_a_mail_is_sent_by_a_worker_in_the_brand_of_the_level(
    tell: Tell, acme: Isp, run_due: RunDue
) -> None:
    with schema_of(acme.console):
        save_brand(
            Words(name="Acme Cloud", primary="#cc3300"), NewPictures(), version=0, actor=SYSTEM
        )
    one = tell("Rain")
    assert mail.outbox == []
    run_due()
    (sent,) = mail.outbox
    assert sent.subject == "Rain happened"
    assert sent.to == ["alice@example.net"]
    assert sent.from_email.startswith("Acme Cloud <")
    assert "Because of clouds." in sent.body
    assert f"http://{acme.console_host}:8000/notifications/{one.uuid}/" in sent.body
    assert f"http://{acme.console_host}:8000/notifications/settings/" in sent.body
    delivery = delivery_of(acme)
    assert (delivery.status, delivery.attempts, delivery.error) == ("sent", 1, "")
    assert Due.objects.get(kind="notification").state == "done"
    run_due()
    assert len(mail.outbox) == 1


def test_a_mail_server_that_is_away_is_tried_again_until_it_is_back(
    tell: Tell, acme: Isp, run_due: RunDue, monkeypatch: pytest.MonkeyPatch
) -> None:
    tell("Rain")
    with monkeypatch.context() as away:
        refuse(away, SMTPServerDisconnected("secret-of-the-server"))
        run_due()
        due = Due.objects.get(kind="notification")
        assert due.state == "waiting"
        assert "secret" not in due.reason
        assert delivery_of(acme).status == "queued"
        all_due()
        run_due()
    assert delivery_of(acme).attempts == 2
    all_due()
    run_due()
    assert len(mail.outbox) == 1
    assert delivery_of(acme).status == "sent"


def test_one_that_never_takes_it_is_given_up_and_stands_in_the_log(
    tell: Tell, acme: Isp, run_due: RunDue, hers: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    tell("Rain")
    with monkeypatch.context() as away:
        refuse(away, OSError("no route to host"))
        for _turn in range(len(PAUSES_S) + 1):
            all_due()
            run_due()
    delivery = delivery_of(acme)
    assert (delivery.status, delivery.attempts) == ("failed", len(PAUSES_S) + 1)
    assert Due.objects.get(kind="notification").state == "failed"
    page = text_of(hers.get(LOG))
    assert "alice@example.net" in page
    assert "did not take it" in page
    hers.post(LOG, {"action": "send_again", "_selected_action": [delivery.pk]})
    run_due()
    assert len(mail.outbox) == 1
    assert delivery_of(acme).status == "sent"


def test_an_address_that_is_refused_for_good_is_not_tried_again(
    tell: Tell, acme: Isp, run_due: RunDue, monkeypatch: pytest.MonkeyPatch
) -> None:
    tell("Rain")
    refuse(monkeypatch, SMTPRecipientsRefused({"alice@example.net": (550, b"no such user")}))
    run_due()
    assert delivery_of(acme).status == "failed"
    assert "550" in delivery_of(acme).error
    # Nothing that the operator could do.
    due = Due.objects.get(kind="notification")
    assert (due.state, "550" in due.reason) == ("done", True)


def test_a_full_mailbox_is_tried_again(
    tell: Tell, acme: Isp, run_due: RunDue, monkeypatch: pytest.MonkeyPatch
) -> None:
    tell("Rain")
    refuse(monkeypatch, SMTPRecipientsRefused({"alice@example.net": (452, b"full")}))
    run_due()
    assert delivery_of(acme).status == "queued"


def test_what_is_older_than_half_a_year_goes(tell: Tell, acme: Isp, run_due: RunDue) -> None:
    with time_machine.travel("2024-01-01T00:00Z", tick=False):
        tell("Rain")
    tell("Hail")
    with schema_of(acme.console):
        assert [row.key for row in Notification.objects.all()] == ["Hail"]
    # The worker finds nothing to send for the one that went.
    run_due()
    assert len(mail.outbox) == 1


def test_only_owners_see_the_log(tell: Tell, acme: Isp, his: Client, run_due: RunDue) -> None:
    tell("Rain")
    pk = delivery_of(acme).pk
    assert browser(acme.console_host).get(LOG).status_code == 302
    sam = browser_of(person(acme.console, "sam"), acme.console_host, acme.console)
    assert sam.get(LOG).status_code == 403
    assert sam.post(LOG, {"action": "send_again", "_selected_action": [pk]}).status_code == 403
    assert "alice@example.net" not in text_of(his.get(LOG))
    assert his.get(f"{LOG}{pk}/change/").status_code in (302, 404)


def test_the_operator_sees_it_among_the_work(tell: Tell, acme: Isp, alice: User, db: None) -> None:
    tell("Rain")
    root = person("public", "root", is_superuser=True)
    desk = browser_of(root, "dotmac.localhost", "public")
    due = Due.objects.get(kind="notification")
    page = text_of(desk.get(f"/admin/work/due/{due.pk}/change/"))
    assert "Something of the tests happens" in page
    assert "Rain" not in page
    assert "alice@example.net" not in page


def test_what_failed_long_ago_is_sent_again_too(
    tell: Tell, acme: Isp, run_due: RunDue, hers: Client
) -> None:
    tell("Rain")
    with schema_of(acme.console):
        Delivery.objects.update(status="failed")
        pk = Delivery.objects.get().pk
    Due.objects.all().delete()
    hers.post(LOG, {"action": "send_again", "_selected_action": [pk]})
    run_due()
    assert len(mail.outbox) == 1
