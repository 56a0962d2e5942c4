"""A level sends so many mails in a day; where no mail server is set, that is said."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.core import mail
from django.test import Client
from django.utils import timezone

from apps.branding.models import MailDay
from apps.branding.quota import quota_today, take_mail
from apps.events.models import Event
from apps.notifications.constants import PAUSES_S
from apps.notifications.models import Notification
from apps.tenancy.kinds import schema_of
from apps.work.models import Due
from tests.accounts.browser import text_of
from tests.conftest import Isp
from tests.notifications.conftest import show_events
from tests.notifications.test_delivery import LOG, all_due, delivery_of
from tests.pages.conftest import OPERATOR_HOST, signed_in

Tell = Callable[..., Notification]
RunDue = Callable[[], list[str]]
SENDER = "/admin/branding/sender/"


def test_above_the_quota_a_mail_waits_for_tomorrow(
    tell: Tell, acme: Isp, hers: Client, run_due: RunDue, settings: object
) -> None:
    settings.MAILS_PER_DAY = 1
    for what in ("Rain", "Snow"):
        tell(what)
    run_due()
    assert len(mail.outbox) == 1
    assert "1 of 1 today" in text_of(hers.get(SENDER))
    waiting = Due.objects.get(kind="notification", state="waiting")
    midnight = timezone.now().replace(hour=0, minute=0, second=0) + timedelta(days=1)
    assert abs((waiting.due_at - midnight).total_seconds()) < 120
    with schema_of(acme.console):
        # A day later; no try was counted against it.
        MailDay.objects.update(day=timezone.now().date() - timedelta(days=1))
    all_due()
    run_due()
    assert len(mail.outbox) == 2


def test_the_quota_is_counted_exactly_and_mails_to_sign_in_by_apart(
    acme: Isp, db: None, settings: object
) -> None:
    settings.MAILS_PER_DAY, settings.SECURITY_MAILS_PER_DAY = 2, 3
    with schema_of(acme.console):
        assert [take_mail() for _turn in range(3)] == [True, True, False]
        assert [take_mail(is_security=True) for _turn in range(4)] == [True, True, True, False]
        assert (quota_today().sent, quota_today().percent) == (2, 100)
    with schema_of(acme.workspace):
        assert quota_today().sent == 0


def test_owners_are_told_at_eighty_and_at_a_hundred_percent(
    acme: Isp, hers: Client, settings: object
) -> None:
    settings.MAILS_PER_DAY = 10
    with schema_of(acme.console):
        for _turn in range(12):
            take_mail()
        told = Event.objects.filter(type="mail_quota.reached").order_by("id")
        assert [one.data["percent"] for one in told] == [80, 100]
    show_events(acme.console)
    page = text_of(hers.get("/notifications/"))
    assert "80 % of today" in page
    assert "100 % of today" in page


def test_without_a_mail_server_nothing_is_said_to_be_sent(
    tell: Tell, acme: Isp, hers: Client, run_due: RunDue, settings: object
) -> None:
    caught = settings.EMAIL_BACKEND
    settings.EMAIL_BACKEND = "apps.core.mailbox.NoServerBackend"
    tell("Rain")
    run_due()
    delivery = delivery_of(acme)
    assert (delivery.status, delivery.error) == ("queued", "Not sent: no mail server is set.")
    assert "no mail server is set" in text_of(hers.get(LOG))
    for page in ("/admin/", SENDER):
        assert "No mail server is set" in text_of(hers.get(page)), page
    # One is set.
    settings.EMAIL_BACKEND = caught
    all_due()
    run_due()
    assert delivery_of(acme).status == "sent"
    assert "No mail server is set" not in text_of(hers.get("/admin/"))


def test_without_one_for_too_long_it_is_given_up_and_counted_for_the_operator(
    tell: Tell, acme: Isp, run_due: RunDue, settings: object
) -> None:
    settings.EMAIL_BACKEND = "apps.core.mailbox.NoServerBackend"
    for what in ("Rain", "Snow"):
        tell(what)
    for _turn in range(len(PAUSES_S) + 1):
        all_due()
        run_due()
    assert Due.objects.filter(kind="notification", state="failed").count() == 2


def test_many_messages_that_failed_are_one_line_for_the_operator(
    db: None, root: Client, acme: Isp
) -> None:
    now = timezone.now()
    Due.objects.bulk_create(
        Due(
            schema=acme.console,
            kind="notification",
            subject=f"{number}",
            title=f"E-mail: {number}",
            state="failed",
            due_at=now,
            created_at=now,
            finished_at=now,
        )
        for number in range(30)
    )
    page = text_of(root.get("/admin/"))
    assert "Messages that were not delivered in 7 days: 30" in page
    assert "E-mail: 7" not in page


@pytest.fixture
def root(db: None) -> Client:
    """Owner of the operator."""
    return signed_in(OPERATOR_HOST, "public", "root@dotmac.example")
