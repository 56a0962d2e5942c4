"""Invitations: one mail, one link, one role; for the address that was invited and nobody else."""

import re
from collections.abc import Callable
from datetime import timedelta
from urllib.parse import urlsplit

import pytest
import time_machine
from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.test import Client
from django.utils import timezone

from apps.accounts import invitations
from apps.accounts.access import may
from apps.accounts.models import Invitation, Membership, Role, User
from apps.accounts.services import create_user, deactivate_user
from apps.core.exceptions import ConflictError, DomainError
from apps.core.mailbox import messages, read
from apps.events.actors import SYSTEM
from apps.events.models import Event
from apps.tenancy.kinds import PUBLIC, schema_of
from apps.tenants.models import Membership as Belonging
from apps.tenants.models import Organisation
from tests.accounts.browser import text_of
from tests.accounts.conftest import PASSWORD
from tests.conftest import Isp

pytestmark = pytest.mark.usefixtures("commits")
ADD = "/admin/accounts/invitation/add/"
LIST = "/admin/accounts/invitation/"


def owner_at(host: str, schema: str) -> Client:
    """The owner of a schema, in a browser there."""
    client = Client(headers={"host": host})
    with schema_of(schema):
        client.force_login(User.objects.create_superuser("alice@acme.example", name="Alice"))
    return client


def last_link() -> str:
    """The path in the newest mail."""
    text = read(messages()[0]["id"])["text"]
    (link,) = re.findall(r"https?://\S+/invitation/\S+", text)
    return str(urlsplit(link).path)


def invited(client: Client, role: str = "technician") -> str:
    """Invite Tess, and return the path in her mail."""
    answer = client.post(ADD, {"email": "Tess@example.net", "role": role})
    assert answer.status_code == 302, text_of(answer)
    return last_link()


@pytest.fixture
def workshop(acme: Isp, db: None) -> Client:
    """Alice in Acme's workspace."""
    return owner_at(acme.workspace_host, acme.workspace)


def guest(host: str) -> Client:
    return Client(headers={"host": host})


def test_who_is_invited_signs_up_and_has_the_role(acme: Isp, workshop: Client) -> None:
    link = invited(workshop)
    tess = guest(acme.workspace_host)
    page = text_of(tess.get(link))
    assert "Join Acme Fiber" in page
    assert "Alice invites tess@example.net" in page
    weak = tess.post(link, {"name": "Tess", "password": "tess@example.net"})
    assert "too similar" in text_of(weak)
    answer = tess.post(link, {"name": "Tess", "password": PASSWORD})
    assert answer["location"] == "/admin/"
    assert tess.get("/admin/").status_code == 200
    with schema_of(acme.workspace):
        user = User.objects.get(email="tess@example.net")
        assert (user.name, user.is_staff, user.membership.role) == ("Tess", True, "technician")
        kinds = set(Event.objects.values_list("type", flat=True))
    assert {"invitation.created", "invitation.accepted", "user.role_changed"} <= kinds
    assert "Accepted" in text_of(workshop.get(LIST))
    again = guest(acme.workspace_host).get(link)
    assert (again.status_code, "does not work any more" in text_of(again)) == (404, True)


def test_somebody_known_accepts_signed_in_and_nobody_else(acme: Isp, workshop: Client) -> None:
    with schema_of(acme.workspace):
        tess, mallory = (
            create_user(email=f"{name}@example.net", is_verified=True, actor=SYSTEM)
            for name in ("tess", "mallory")
        )
    link = invited(workshop)
    stranger, other, own = (guest(acme.workspace_host) for _ in range(3))
    with schema_of(acme.workspace):
        other.force_login(mallory)
        own.force_login(tess)
    assert "Sign in with it to accept" in text_of(stranger.get(link))
    assert "You are signed in as mallory@example.net" in text_of(other.get(link))
    for client in (stranger, other):
        assert client.post(link, {"name": "M", "password": PASSWORD}).status_code == 200
    with schema_of(acme.workspace):
        assert not Membership.objects.exists()
    assert own.post(link)["location"] == "/admin/"
    with schema_of(acme.workspace):
        assert Membership.objects.get().user == tess


def test_an_invitation_s_page_and_list_speak_the_reader_s_language(
    acme: Isp, workshop: Client
) -> None:
    invited(workshop)
    with schema_of(acme.workspace):
        pk = Invitation.objects.get().pk
    for path in (LIST, f"{LIST}{pk}/change/"):
        said = text_of(workshop.get(path, headers={"accept-language": "fr"})).lower()
        assert "envoyé" in said
        assert "expiration" in said
        assert "sent at" not in said


def test_an_invitation_ends(acme: Isp, workshop: Client) -> None:
    first = invited(workshop)
    tess = guest(acme.workspace_host)
    twice = text_of(workshop.post(ADD, {"email": "tess@example.net", "role": "viewer"}))
    assert "is invited already" in twice
    with schema_of(acme.workspace):
        pk = Invitation.objects.get().pk
        Invitation.objects.update(sent_at=timezone.now() - timedelta(hours=1))
    again = {"action": "send_again", "_selected_action": [pk]}
    workshop.post(LIST, again)
    second = last_link()
    assert second != first
    assert tess.get(first).status_code == 404
    assert tess.get(second).status_code == 200
    assert "sent within the last minute" in text_of(workshop.post(LIST, again, follow=True))
    with time_machine.travel(timezone.now() + timedelta(days=8)):
        assert tess.post(second, {"name": "T", "password": PASSWORD}).status_code == 404
    workshop.post(LIST, {"action": "revoke", "_selected_action": [pk]})
    assert tess.post(second, {"name": "T", "password": PASSWORD}).status_code == 404
    assert tess.get(second[:-2] + "x/").status_code == 404
    with schema_of(acme.workspace):
        assert not User.objects.filter(email="tess@example.net").exists()


def test_a_link_opens_nothing_at_another_isp(initech: Isp, workshop: Client) -> None:
    assert guest(initech.workspace_host).get(invited(workshop)).status_code == 404


def test_the_text_of_a_link_is_kept_nowhere(acme: Isp, workshop: Client) -> None:
    token = invited(workshop).split("/")[-2]
    with schema_of(acme.workspace):
        kept = str(list(Invitation.objects.values())) + str(list(Event.objects.values()))
    assert token not in kept


def test_nobody_invites_above_themselves_nor_keeps_the_right(acme: Isp, db: None) -> None:
    with schema_of(acme.workspace):
        alice = User.objects.create_superuser("alice@acme.example")
        hr = Role.objects.create(name="HR", permissions=["people.manage", "plans.view"])
        hal, vic = (
            create_user(email=f"{name}@acme.example", is_staff=True, actor=SYSTEM)
            for name in ("hal", "vic")
        )
        Membership.objects.create(user=hal, own_role=hr)
        Membership.objects.create(user=vic, role="viewer")
        for who, role in ((hal, "technician"), (vic, "viewer")):
            with pytest.raises(PermissionDenied):
                invitations.invite(email="tess@example.net", role=role, by=who)
        with pytest.raises(DomainError, match="Owners are made"):
            invitations.invite(email="tess@example.net", role="owner", by=alice)
        with pytest.raises(ConflictError, match="has a role here already"):
            invitations.invite(email="vic@acme.example", role="viewer", by=alice)
        invitation, _token = invitations.invite(email="tess@example.net", role=str(hr.uuid), by=hal)
        deactivate_user(hal, actor=SYSTEM)
        tess = create_user(email="tess@example.net", actor=SYSTEM)
        fresh = Invitation.objects.get(pk=invitation.pk)
        with pytest.raises(ConflictError, match="may not give this role any more"):
            invitations.accept(fresh, tess)
        assert Invitation.objects.get().accepted_at is None


def test_a_console_s_invitation_is_accepted_at_the_operator(
    northwind: Organisation, person: Callable[[str], User]
) -> None:
    host, console = f"northwind.{settings.BASE_DOMAIN}", "c_northwind"
    client = Client(headers={"host": host})
    with schema_of(console):
        client.force_login(User.objects.get(is_superuser=True))
    link = invited(client, "viewer")
    assert link.startswith("/organisations/northwind/invitation/")
    tess = guest(settings.BASE_DOMAIN)
    assert "Join Northwind Fiber" in text_of(tess.get(link))
    answer = tess.post(link, {"name": "Tess", "password": PASSWORD})
    assert answer["location"].endswith("/sso/login/?next=/admin/")
    with schema_of(PUBLIC):
        account = User.objects.get(email="tess@example.net")
        assert (account.is_staff, account.name) == (False, "Tess")
        assert Belonging.objects.get(user=account.uuid).role == "member"
    with schema_of(console):
        member = User.objects.get(identity=account.uuid)
        assert may(member, "instances.view")
        assert not may(member, "instances.stop")
    assert tess.get(link).status_code == 404
    elsewhere = link.replace("northwind", "nowhere")
    assert guest(settings.BASE_DOMAIN).get(elsewhere).status_code == 404


def test_who_belongs_to_an_organisation_does_not_join_again(
    northwind: Organisation, person: Callable[[str], User]
) -> None:
    with schema_of("c_northwind"):
        owner = User.objects.get(is_superuser=True)
        User.objects.filter(pk=owner.pk).update(email="old@example.net")
        _invitation, token = invitations.invite(email="alice@example.net", role="viewer", by=owner)
    alice = guest(settings.BASE_DOMAIN)
    with schema_of(PUBLIC):
        alice.force_login(User.objects.get(email="alice@example.net"))
    page = alice.post(f"/organisations/northwind/invitation/{token.reveal()}/")
    assert "You belong to Northwind Fiber already" in text_of(page)
    with schema_of("c_northwind"):
        assert User.objects.get(pk=owner.pk).is_superuser
        assert Invitation.objects.get().accepted_at is None
