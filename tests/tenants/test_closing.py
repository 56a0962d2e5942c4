"""An organisation is closed by its owner or the operator, and taken back with one click."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.conf import settings
from django.test import Client
from django.utils import timezone

from apps.accounts.models import User
from apps.contract.services import is_read_only
from apps.core.exceptions import ConflictError
from apps.core.mailbox import messages
from apps.events.actors import SYSTEM
from apps.events.models import Event
from apps.tenancy.kinds import PUBLIC, operator, schema_of
from apps.tenancy.middleware import forget_hosts
from apps.tenants import closing, grants
from apps.tenants.erasing.services import begin_due_erasures
from apps.tenants.models import Erasure, Membership, Organisation
from tests.accounts.browser import text_of
from tests.accounts.conftest import commits
from tests.accounts.visiting import staff
from tests.tenants.test_ownership import bob, signed_in

__all__ = ["bob", "commits"]

pytestmark = pytest.mark.usefixtures("commits")
PAGE = "/organisations/northwind/closing/"
CLOSE = {"what": "close", "confirm": "northwind", "reason": "We sold it"}


def status_of(organisation: Organisation) -> str:
    organisation.refresh_from_db()
    return str(organisation.status)


def console(path: str = "/admin/") -> Client:
    """A stranger's request to the console."""
    forget_hosts()
    return Client(headers={"host": f"northwind.{settings.BASE_DOMAIN}"}).get(path)  # type: ignore[return-value]


def test_the_owner_closes_it_and_takes_it_back(northwind: Organisation, bob: User) -> None:
    alice = signed_in("alice@example.net")
    assert "For 30 days it can be taken back" in text_of(alice.get(PAGE))
    assert console()["location"].startswith("/admin/login/")
    page = alice.post(PAGE, CLOSE, follow=True)
    assert status_of(northwind) == "closed"
    assert "Erased on" in text_of(page)
    assert (northwind.closed_by, northwind.closing_reason) == ("owner", "We sold it")
    assert northwind.erase_after is not None
    assert timedelta(days=29) < northwind.erase_after - timezone.now() < timedelta(days=30)
    assert sorted(mail["to"] for mail in messages()) == ["alice@example.net", "bob@example.net"]
    assert "Northwind Fiber is closed" in messages()[0]["subject"]
    alice.post(PAGE, {"what": "reopen"})
    assert status_of(northwind) == "active"
    assert northwind.erase_after is None
    assert console()["location"].startswith("/admin/login/")
    assert "is open again" in messages()[0]["subject"]
    with schema_of(PUBLIC):
        happened = Event.objects.filter(type__startswith="organisation.").order_by("pk")
        types = list(happened.values_list("type", flat=True))
    assert types == ["organisation.created", "organisation.closed", "organisation.reopened"]


def test_its_address_is_typed_and_the_password_asked_again(northwind: Organisation) -> None:
    alice = signed_in("alice@example.net")
    for wrong in ("", "Northwind", "northwind-2"):
        page = alice.post(PAGE, {**CLOSE, "confirm": wrong})
        assert page.status_code == 200
    assert "This is not the address" in text_of(page)
    stale = Client(headers={"host": settings.BASE_DOMAIN})
    with schema_of(PUBLIC):
        stale.force_login(User.objects.get(email="alice@example.net"))
    assert stale.post(PAGE, CLOSE)["location"].startswith("/accounts/reauthenticate/")
    assert status_of(northwind) == "active"


def test_nobody_but_the_owner_can(northwind: Organisation, bob: User) -> None:
    member = signed_in("bob@example.net")
    assert member.get(PAGE).status_code == 404
    assert member.post(PAGE, CLOSE).status_code == 404
    stranger = Client(headers={"host": settings.BASE_DOMAIN})
    assert stranger.get(PAGE)["location"].startswith("/accounts/login/")
    assert status_of(northwind) == "active"


def test_the_console_says_so_and_the_workspace_is_read_only(northwind: Organisation) -> None:
    grants.renew(northwind)
    with schema_of("w_northwind"):
        assert not is_read_only()
    with operator():
        closing.close(northwind, side="owner", actor=SYSTEM)
    page = console()
    assert page.status_code == 503  # type: ignore[attr-defined]
    assert "This organisation is closed" in text_of(page)  # type: ignore[arg-type]
    assert "Take it back" in text_of(page)  # type: ignore[arg-type]
    problem = console("/api/v1/me/")
    assert problem.status_code == 403  # type: ignore[attr-defined]
    assert problem.json()["code"] == "organisation_closed"  # type: ignore[attr-defined]
    northwind.refresh_from_db()
    grants.renew(northwind)
    workspace = Client(headers={"host": f"northwind.{settings.APPS_DOMAIN}"})
    with schema_of("w_northwind"):
        assert is_read_only()
        workspace.force_login(User.objects.get(email="alice@example.net"))
    assert workspace.get("/admin/").status_code == 200
    assert workspace.get("/").status_code in (200, 302)
    refused = workspace.post("/admin/billing/plan/add/", {})
    assert refused.status_code == 403
    assert "its organisation is closed" in text_of(refused)


def test_who_belongs_still_gets_into_the_workspace_by_hand_off(northwind: Organisation) -> None:
    with operator():
        closing.close(northwind, side="owner", actor=SYSTEM)
    alice = signed_in("alice@example.net")
    state = "a" * 64
    ask = f"/sso/authorize/?state={state}&host=northwind."
    assert alice.get(ask + settings.APPS_DOMAIN).status_code == 302
    assert alice.get(ask + settings.BASE_DOMAIN).status_code == 404


def test_the_operator_closes_it_and_sees_it(
    northwind: Organisation, person: Callable[[str], User]
) -> None:
    staff(person, "eve", "admin")
    eve = signed_in("eve@example.net")
    page = f"/admin/tenants/organisation/{northwind.pk}/closing/"
    assert "Close the organisation" in text_of(eve.get(page))
    eve.post(page, {**CLOSE, "reason": "Abuse"})
    assert status_of(northwind) == "closed"
    assert northwind.closed_by == "operator"
    home = text_of(eve.get("/admin/"))
    assert "Closed organisations" in home
    assert "the operator" in home
    # The owner may take back what the operator closed by mistake only while it is not suspended.
    eve.post(page, {"what": "reopen"})
    assert status_of(northwind) == "active"


def test_a_suspended_one_is_suspended_again_when_it_is_taken_back(northwind: Organisation) -> None:
    Organisation.objects.filter(pk=northwind.pk).update(status="suspended")
    with operator():
        closing.close(northwind, side="owner", actor=SYSTEM)
        with pytest.raises(ConflictError):
            closing.close(northwind, side="owner", actor=SYSTEM)
        closing.reopen(northwind, actor=SYSTEM)
        with pytest.raises(ConflictError):
            closing.reopen(northwind, actor=SYSTEM)
    assert status_of(northwind) == "suspended"


def test_it_is_not_erased_early_and_not_taken_back_late(northwind: Organisation) -> None:
    with operator():
        closing.close(northwind, side="owner", actor=SYSTEM)
        assert begin_due_erasures() == 0
        past = timezone.now() - timedelta(seconds=1)
        Organisation.objects.filter(pk=northwind.pk).update(erase_after=past)
        assert begin_due_erasures() == 1
        assert begin_due_erasures() == 0
        assert Erasure.objects.get().asked_by == "owner"
        with pytest.raises(ConflictError, match="being erased"):
            closing.reopen(northwind, actor=SYSTEM)
    assert "cannot be taken back" in text_of(signed_in("alice@example.net").get(PAGE))
    workspace = Client(headers={"host": f"northwind.{settings.APPS_DOMAIN}"})
    forget_hosts()
    assert "This organisation is closed" in text_of(workspace.get("/"))


def test_members_of_a_closed_one_are_listed_no_more(northwind: Organisation, bob: User) -> None:
    with operator():
        closing.close(northwind, side="owner", actor=SYSTEM)
        assert Membership.objects.filter(organisation=northwind).count() == 2
    assert "Northwind" not in text_of(signed_in("bob@example.net").get("/organisations/"))
    assert "Take it back" in text_of(signed_in("alice@example.net").get("/organisations/"))
