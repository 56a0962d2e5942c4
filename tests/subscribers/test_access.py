"""A subscriber is let into the portal by a mail with a link."""

import re
from datetime import timedelta

import pytest
import time_machine
from django.core import mail
from django.test import Client
from django.utils import timezone

from apps.accounts.models import User
from apps.core.exceptions import ConflictError, DomainError
from apps.events.actors import SYSTEM
from apps.events.models import Event
from apps.subscribers import access, services
from apps.subscribers.exceptions import TransitionError
from apps.subscribers.models import Subscriber
from apps.tenancy.kinds import schema_of


@pytest.fixture
def invite(django_capture_on_commit_callbacks):
    """Invite a subscriber; the mail that went out."""

    def send(person: Subscriber):
        with django_capture_on_commit_callbacks(execute=True):
            access.give_portal_access(person, actor=SYSTEM)
        return mail.outbox[-1]

    return send


def link_in(message) -> str:
    """The path of the link in a mail."""
    return re.search(r"https://acme\.apps\.localhost:8443(/\S*)", message.body)[1]


def test_an_invitation_leads_to_a_password_and_then_to_the_portal(acme, dora, service, invite):
    services.activate_service(service, actor=SYSTEM)
    message = invite(dora)
    assert message.to == ["dora@example.com"]
    assert message.subject == "Your account with Acme Fiber"
    browser = Client(HTTP_HOST=acme.workspace_host)
    page = browser.get(link_in(message), follow=True)
    password = {"password1": "correct horse battery", "password2": "correct horse battery"}
    browser.post(page.request["PATH_INFO"], password)
    fields = {"login": "dora@example.com", "password": "correct horse battery"}
    answer = browser.post("/accounts/login/?next=/", fields, follow=True)
    assert "Hello Dora Diaz" in answer.text


def test_the_link_works_once(acme, dora, invite):
    path = link_in(invite(dora))
    password = {"password1": "correct horse battery", "password2": "correct horse battery"}
    first = Client(HTTP_HOST=acme.workspace_host)
    first.post(first.get(path, follow=True).request["PATH_INFO"], password)
    second = Client(HTTP_HOST=acme.workspace_host)
    answer = second.get(path, follow=True)
    assert "password1" not in answer.text


def test_the_link_of_one_isp_is_worth_nothing_at_another(initech, dora, invite):
    other = Client(HTTP_HOST=initech.workspace_host)
    assert "password1" not in other.get(link_in(invite(dora)), follow=True).text


def test_nobody_can_sign_in_before_the_link_was_opened(acme, dora, invite):
    invite(dora)
    user = User.objects.get(email="dora@example.com")
    assert not user.has_usable_password()
    assert not user.is_staff


def test_asked_again_it_sends_again_and_makes_nobody_new(dora, invite):
    invite(dora)
    with pytest.raises(ConflictError, match="within the last minute"):
        invite(dora)
    with time_machine.travel(timezone.now() + timedelta(minutes=2)):
        invite(dora)
    assert len(mail.outbox) == 2
    assert User.objects.filter(email="dora@example.com").count() == 1
    assert Event.objects.filter(type="subscriber.invited").count() == 2


def test_a_known_person_keeps_their_password(dora, invite):
    user = User.objects.create_user("dora@example.com", "the old one")
    message = invite(dora)
    assert "password that you already have" in message.body
    assert link_in(message) == "/"
    dora.refresh_from_db()
    assert dora.user == user


def test_without_an_address_or_archived_nobody_is_invited(dora):
    services.update_subscriber(dora, actor=SYSTEM, email="")
    with pytest.raises(DomainError, match="no e-mail address"):
        access.give_portal_access(dora, actor=SYSTEM)
    services.update_subscriber(dora, actor=SYSTEM, email="dora@example.com")
    services.archive_subscriber(dora, actor=SYSTEM)
    with pytest.raises(TransitionError, match="archived"):
        access.give_portal_access(dora, actor=SYSTEM)
    assert mail.outbox == []


def test_nothing_is_sent_when_the_change_is_rolled_back(acme, dora, invite, monkeypatch):
    monkeypatch.setattr(access.events, "record", lambda *_a, **_k: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        access.give_portal_access(dora, actor=SYSTEM)
    with schema_of(acme.workspace):
        assert not User.objects.filter(email="dora@example.com").exists()
    assert mail.outbox == []
