"""Invitations are mails that nobody asked for: in the day's quota, and not to suppressed ones."""

from collections.abc import Callable
from datetime import timedelta
from smtplib import SMTPRecipientsRefused
from typing import Any

import pytest
from django.core import mail
from django.test import Client
from django.utils import timezone

from apps.accounts.models import Invitation, User
from apps.branding.models import MailDay, Sender
from apps.events.actors import SYSTEM
from apps.notifications.models import Suppressed
from apps.notifications.suppression import suppress
from apps.subscribers.models import Subscriber
from apps.subscribers.services import create_subscriber
from apps.tenancy.kinds import schema_of
from apps.work.models import Due
from tests.accounts.browser import text_of
from tests.branding.test_post import refuse
from tests.conftest import Isp

pytestmark = pytest.mark.usefixtures("commits")
RunDue = Callable[[], list[str]]
ADD = "/admin/accounts/invitation/add/"
LIST = "/admin/accounts/invitation/"
# The worker is what these tests are about (tests/conftest.py).
posts = True


@pytest.fixture(autouse=True)
def _outbox(settings: Any) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"


@pytest.fixture
def workshop(acme: Isp, db: None) -> Client:
    """Alice, who owns Acme's workspace, there."""
    client = Client(headers={"host": acme.workspace_host})
    with schema_of(acme.workspace):
        client.force_login(User.objects.create_superuser("alice@acme.example", name="Alice"))
    return client


def invite(client: Client, email: str) -> str:
    return text_of(client.post(ADD, {"email": email, "role": "viewer"}, follow=True))


def counted(isp: Isp) -> tuple[int, int]:
    with schema_of(isp.workspace):
        return MailDay.objects.values_list("sent", "security").get()


def test_invitations_count_in_the_day_s_quota(
    acme: Isp, workshop: Client, run_due: RunDue, settings: Any
) -> None:
    settings.MAILS_PER_DAY = 2
    assert "is on its way" in invite(workshop, "tess@example.net")
    with schema_of(acme.workspace):
        dora = create_subscriber(name="Dora", email="dora@example.net", actor=SYSTEM)
        erin = create_subscriber(name="Erin", email="erin@example.net", actor=SYSTEM)
    workshop.post(f"/admin/subscribers/subscriber/{dora.pk}/do/invite/")
    refused = workshop.post(f"/admin/subscribers/subscriber/{erin.pk}/do/invite/", follow=True)
    assert "quota of mails is used up" in text_of(refused)
    assert "quota of mails is used up" in invite(workshop, "mallory@example.net")
    run_due()
    assert sorted(message.to[0] for message in mail.outbox) == [
        "dora@example.net",
        "tess@example.net",
    ]
    assert counted(acme) == (2, 0)
    with schema_of(acme.workspace):
        assert list(Invitation.objects.values_list("email", flat=True)) == ["tess@example.net"]
        assert Subscriber.objects.get(pk=erin.pk).user is None


def test_what_somebody_asked_for_leaves_all_the_same(
    acme: Isp, workshop: Client, run_due: RunDue, settings: Any
) -> None:
    settings.MAILS_PER_DAY = 0
    form = {"email": "alice@acme.example"}
    Client(headers={"host": acme.workspace_host}).post("/accounts/password/reset/", form)
    run_due()
    assert [message.to for message in mail.outbox] == [["alice@acme.example"]]
    assert counted(acme) == (0, 1)


def test_a_suppressed_address_is_not_invited(acme: Isp, workshop: Client, run_due: RunDue) -> None:
    with schema_of(acme.workspace):
        suppress("tess@example.net", reason="Bounced: 550", actor=SYSTEM)
        dora = create_subscriber(name="Dora", email="tess@example.net", actor=SYSTEM)
    page = invite(workshop, "Tess@example.net")
    assert "Bounced: 550" in page
    assert "take it off the suppressed addresses" in page
    portal = workshop.post(f"/admin/subscribers/subscriber/{dora.pk}/do/invite/", follow=True)
    assert "Bounced: 550" in text_of(portal)
    run_due()
    assert mail.outbox == []
    with schema_of(acme.workspace):
        assert not MailDay.objects.exists()


def test_an_address_that_is_none_is_written_to_once(
    acme: Isp, workshop: Client, run_due: RunDue, monkeypatch: pytest.MonkeyPatch
) -> None:
    invite(workshop, "tess@example.net")
    refuse(monkeypatch, SMTPRecipientsRefused({"tess@example.net": (550, b"5.1.1 unknown")}))
    run_due()
    with schema_of(acme.workspace):
        assert Suppressed.objects.get().address == "tess@example.net"
        Invitation.objects.update(sent_at=timezone.now() - timedelta(hours=1))
        pk = Invitation.objects.get().pk
    again = {"action": "send_again", "_selected_action": [pk]}
    assert "Refused: 550" in text_of(workshop.post(LIST, again, follow=True))


def test_who_was_invited_a_moment_ago_is_not_invited_anew(acme: Isp, workshop: Client) -> None:
    invite(workshop, "tess@example.net")
    with schema_of(acme.workspace):
        pk = Invitation.objects.get().pk
    workshop.post(LIST, {"action": "revoke", "_selected_action": [pk]})
    assert "within the last minute" in invite(workshop, "tess@example.net")


def test_a_mail_server_of_one_s_own_is_not_counted_and_not_gone_round(
    acme: Isp, workshop: Client, run_due: RunDue
) -> None:
    with schema_of(acme.workspace):
        # Nobody listens there.
        Sender.objects.create(address="a@acme.example", host="127.0.0.1", port=1, is_on=True)
    assert "is on its way" in invite(workshop, "tess@example.net")
    run_due()
    assert mail.outbox == []
    assert Due.objects.get(kind="mail").state == "waiting"
    with schema_of(acme.workspace):
        assert not MailDay.objects.exists()
