"""When the operator's own mail does not leave the other path says so; each watches the other."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from django.core import mail
from django.test import Client
from django.utils import timezone

from apps.accounts.models import User
from apps.alerts import watching
from apps.alerts.models import Alert, AlertChannel, AlertDelivery, MailPath
from apps.branding.senders import SenderWords, save_sender
from apps.events.actors import SYSTEM
from apps.events.models import Event
from apps.notifications.constants import PAUSES_S
from apps.notifications.models import Delivery, Notification
from apps.notifications.services import notify
from apps.notifications.suppression import suppress
from apps.tenancy.kinds import operator, schema_of
from apps.work.models import Due
from tests.alerts.conftest import Work, goes_down, later, said
from tests.branding.smtp_server import mail_server
from tests.conftest import Isp
from tests.dotmac.webhooks.receiver import Receiver, closed_port
from tests.fleet.conftest import make_server
from tests.notifications.conftest import TEST, person, show_events

SMTP = "django.core.mail.backends.smtp.EmailBackend"
NONE_LEAVES = "DotMac: No mail leaves: The mail server of this installation"


@pytest.fixture
def closed(settings: Any) -> Callable[[int], None]:
    """The installation's mail server listens on a port that is closed; moves it to another."""
    settings.EMAIL_BACKEND, settings.EMAIL_HOST = SMTP, "127.0.0.1"
    settings.EMAIL_PORT = closed_port()
    return lambda port: setattr(settings, "EMAIL_PORT", port)


def a_mail_to(user: User, key: str = "1") -> None:
    notify(TEST, [user], key=key, data={"what": "Rain", "why": "clouds"})


def minutes_pass(minutes: float) -> None:
    """Since the first refusal."""
    failing = MailPath.objects.filter(failing_since__isnull=False)
    failing.update(failing_since=timezone.now() - timedelta(minutes=minutes))
    watching.tell_of_mail()
    show_events("public")


def test_a_closed_mail_server_is_told_by_the_channel_after_ten_minutes(
    channel: AlertChannel, pager: Receiver, olga: User, closed: Callable[[int], None], run_due: Work
) -> None:
    a_mail_to(olga)
    run_due()
    minutes_pass(9)
    run_due()
    assert pager.got == []
    minutes_pass(11)
    run_due()
    assert said(pager) == [("alert.raised", NONE_LEAVES)]
    assert "11 minutes. Its last answer: ConnectionRefusedError" in pager.got[0][2].decode()
    minutes_pass(30)
    run_due()
    assert len(pager.got) == 1
    # In the inbox as well, and not by mail.
    assert Notification.objects.filter(kind="mail.refused", is_shown=True).count() == 1
    assert Delivery.objects.count() == 1


def test_the_first_mail_that_leaves_again_ends_it(
    channel: AlertChannel,
    pager: Receiver,
    olga: User,
    closed: Callable[[int], None],
    run_due: Work,
) -> None:
    a_mail_to(olga)
    run_due()
    minutes_pass(11)
    run_due()
    with mail_server() as server:
        closed(server.port)
        a_mail_to(olga, "2")
        run_due()
        assert server.mails
    show_events("public")
    run_due()
    assert [type for type, _heading in said(pager)] == ["alert.raised", "alert.resolved"]
    assert MailPath.objects.get().failing_since is None


def test_a_short_outage_is_nobody_s_alert(
    channel: AlertChannel, pager: Receiver, olga: User, closed: Callable[[int], None], run_due: Work
) -> None:
    a_mail_to(olga)
    run_due()
    with mail_server() as server:
        closed(server.port)
        a_mail_to(olga, "2")
        run_due()
    minutes_pass(60)
    run_due()
    assert pager.got == []
    assert not Event.objects.filter(type__startswith="mail.").exists()


def test_an_address_that_does_not_exist_says_nothing_about_the_server(
    channel: AlertChannel, pager: Receiver, olga: User, run_due: Work, settings: Any
) -> None:
    with mail_server() as server:
        settings.EMAIL_BACKEND, settings.EMAIL_HOST = SMTP, "127.0.0.1"
        settings.EMAIL_PORT, server.refusal = server.port, "550 5.1.1 no such user"
        a_mail_to(olga)
        run_due()
        assert not MailPath.objects.filter(failing_since__isnull=False).exists()
        show_events("public")
        run_due()
    # But that somebody of the staff hears nothing any more is one, without their address.
    assert said(pager)[0][1] == "DotMac: Mails to somebody of the staff are refused"
    assert olga.email not in pager.got[0][2].decode()


@pytest.mark.usefixtures("channel")
@pytest.mark.parametrize("refusal", ["552 5.2.2 Mailbox is full", "450 4.2.1 Try later"])
def test_one_mailbox_that_is_full_says_nothing_about_the_server(
    refusal: str, pager: Receiver, olga: User, run_due: Work, settings: Any
) -> None:
    with mail_server() as server:
        settings.EMAIL_BACKEND, settings.EMAIL_HOST = SMTP, "127.0.0.1"
        settings.EMAIL_PORT, server.refusal = server.port, refusal
        a_mail_to(olga)
        run_due()
    minutes_pass(11)
    run_due()
    assert not MailPath.objects.filter(failing_since__isnull=False).exists()
    assert ("alert.raised", NONE_LEAVES) not in said(pager)


def test_a_server_that_relays_for_nobody_is_one(
    channel: AlertChannel, pager: Receiver, olga: User, run_due: Work, settings: Any
) -> None:
    with mail_server() as server:
        settings.EMAIL_BACKEND, settings.EMAIL_HOST = SMTP, "127.0.0.1"
        settings.EMAIL_PORT, server.refusal = server.port, "554 5.7.1 relay access denied"
        a_mail_to(olga)
        run_due()
    minutes_pass(11)
    run_due()
    assert said(pager) == [("alert.raised", NONE_LEAVES)]


def test_a_sender_that_refuses_is_told_and_forgotten_once_it_is_changed(
    channel: AlertChannel, pager: Receiver, olga: User, run_due: Work
) -> None:
    words = SenderWords("no-reply@dotmac.example", "", "127.0.0.1", closed_port(), "none", "", True)
    save_sender(words, password=None, version=0, actor=SYSTEM)
    a_mail_to(olga)
    run_due()
    minutes_pass(11)
    run_due()
    text = "DotMac: No mail leaves: The mail server that is set under Sender"
    assert said(pager) == [("alert.raised", text)]
    save_sender(replace(words, is_on=False), password=None, version=1, actor=SYSTEM)
    show_events("public")
    assert MailPath.objects.get().told_at is None


def test_mails_of_an_isp_that_go_by_the_same_server_count_too(
    channel: AlertChannel, acme: Isp, closed: Callable[[int], None], run_due: Work
) -> None:
    alice = person(acme.console, "alice")
    with schema_of(acme.console):
        a_mail_to(alice)
        run_due()
    assert MailPath.objects.get().name == "installation"


def test_a_message_that_is_given_up_is_told(
    channel: AlertChannel, pager: Receiver, olga: User, closed: Callable[[int], None], run_due: Work
) -> None:
    a_mail_to(olga)
    for _turn in range(len(PAUSES_S) + 1):
        run_due()
        Due.objects.filter(state="waiting").update(due_at=timezone.now() - timedelta(days=1))
    run_due()
    assert said(pager) == [("alert.raised", "DotMac: A message of the operator was not delivered")]


def test_one_of_an_isp_is_not_the_operator_s_matter(
    channel: AlertChannel, acme: Isp, pager: Receiver, run_due: Work
) -> None:
    bob = person(acme.console, "bob")
    with schema_of(acme.console):
        suppress(bob.email, reason="Bounced", actor=SYSTEM)
    show_events(acme.console)
    run_due()
    assert pager.got == []


def test_a_channel_that_fails_for_a_day_is_told_by_the_other_paths(
    channel: AlertChannel, pager: Receiver, olga: User, hers: Client, run_due: Work
) -> None:
    pager.always = "500"
    goes_down(make_server())
    run_due()
    watching.tell_of_channels()
    show_events("public")
    assert not Notification.objects.filter(kind="alert_channel.failing").exists()
    a_day_ago = timezone.now() - timedelta(hours=25)
    AlertChannel.objects.update(failing_since=a_day_ago)
    assert watching.tell_of_channels() == 1
    assert watching.tell_of_channels() == 0
    show_events("public")
    mail.outbox.clear()
    run_due()
    assert Notification.objects.get(kind="alert_channel.failing", user=olga).is_shown
    assert ["Pager" in one.subject for one in mail.outbox] == [True]
    title = "The alert channel Pager has not worked for a day"
    assert title in hers.get("/admin/").content.decode()
    page = hers.get(f"/admin/alerts/alertchannel/{channel.pk}/change/").content.decode()
    assert "This channel has not worked for a day" in page
    # To the channel itself it is not sent.
    assert not AlertDelivery.objects.filter(alert__kind="alert_channel.failing").exists()
    pager.always = ""
    later(minutes=16)
    Due.objects.filter(kind="alert").update(due_at=a_day_ago)
    run_due()
    show_events("public")
    assert title not in hers.get("/admin/").content.decode()
    assert Notification.objects.filter(kind="alert_channel.recovered").exists()
    assert Alert.objects.get(kind="alert_channel.failing").resolved_at


def test_the_home_says_that_no_mail_leaves(
    olga: User, hers: Client, closed: Callable[[int], None], run_due: Work
) -> None:
    with operator():
        a_mail_to(olga)
    run_due()
    minutes_pass(11)
    assert "No mail leaves" in hers.get("/admin/").content.decode()
