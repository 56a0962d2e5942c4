"""Who leaves DotMac, or an organisation, is out of its console and workspace in that moment."""

from collections.abc import Callable
from datetime import timedelta
from uuid import uuid4

import pytest
import time_machine
from django.conf import settings
from django.test import Client
from django.utils import timezone

from apps.accounts import registry
from apps.accounts.exceptions import HandOffError
from apps.accounts.keys import verify_keys
from apps.accounts.models import User
from apps.accounts.services import (
    deactivate_user,
    ensure_member,
    reactivate_user,
)
from apps.contract.services import _is_named, accept
from apps.core.exceptions import ConflictError
from apps.events.actors import SYSTEM, user_actor
from apps.events.models import Event
from apps.tenancy.kinds import operator, schema_of
from apps.tenants import grants
from apps.tenants.members import members_of, remove_member
from apps.tenants.models import Membership, Organisation
from apps.work import services as work
from apps.work.models import Due
from dotmac.crypto.contracts import Grant, open_grant
from tests.accounts.browser import Browser, text_of
from tests.accounts.conftest import PASSWORD
from tests.accounts.people import FRONT, enter
from tests.accounts.test_hand_off import hand_off_link
from tests.contract.conftest import grant_of, signed
from tests.keys import key_like
from tests.tenants.test_ownership import PAGE, bob, signed_in

__all__ = ["bob"]

pytestmark = pytest.mark.django_db
CONSOLE = f"http://northwind.{settings.BASE_DOMAIN}:8000"
WORKSPACE = f"https://northwind.{settings.APPS_DOMAIN}:8443"
SCHEMAS = ("c_northwind", "w_northwind")


@pytest.fixture
def his(northwind: Organisation, bob: User, browser: Browser) -> Browser:
    """Bob's browser, in the console and in the workspace."""
    browser.sign_in("bob@example.net", PASSWORD)
    for site in (CONSOLE, WORKSPACE):
        browser.visit(f"{site}/sso/login/?next=/admin/")
        assert browser.address == f"{site}/admin/"
    return browser


def keys_of(email: str) -> list[Client]:
    """A program that somebody made at each site."""
    found = []
    for schema, host in zip(SCHEMAS, (CONSOLE, WORKSPACE), strict=True):
        with schema_of(schema):
            text = key_like(User.objects.get(email=email))[1].reveal()
        bare = host.split("//")[1].split(":")[0]
        found.append(Client(headers={"host": bare, "authorization": f"Bearer {text}"}))
    return found


def is_out(browser: Browser) -> bool:
    """Whether both sites send them to sign in."""
    answers = [browser.visit(f"{site}/admin/", follow=False) for site in (CONSOLE, WORKSPACE)]
    return all(answer.status_code == 302 for answer in answers)


def renewal(organisation: Organisation) -> Due:
    """A grant that was brought, and comes again tomorrow."""
    with operator():
        work.ensure(grants.KIND, str(organisation.uuid), title="Renew")
    Due.objects.filter(kind=grants.KIND).update(due_at=timezone.now() + timedelta(days=1))
    return Due.objects.get(kind=grants.KIND)


def test_who_is_switched_off_at_the_operator_is_out_everywhere(
    northwind: Organisation, bob: User, his: Browser
) -> None:
    programs, due = keys_of("bob@example.net"), renewal(northwind)
    assert [p.get("/api/v1/me/").status_code for p in programs] == [200, 200]
    with operator():
        root = User.objects.create_superuser("root@example.net")
        deactivate_user(bob, actor=user_actor(root))
    assert is_out(his)
    # Programs are the schema's own; its owners are told whose they were.
    assert [p.get("/api/v1/me/").status_code for p in programs] == [200, 200]
    for schema in SCHEMAS:
        with schema_of(schema):
            event = Event.objects.get(type="user.deactivated")
            assert event.actor_label == "root@example.net"
    due.refresh_from_db()
    assert due.due_at <= timezone.now()
    with operator():
        reactivate_user(bob, actor=user_actor(root))
    assert is_out(his)
    # Tokens know whole seconds.
    with time_machine.travel(timezone.now() + timedelta(seconds=2), tick=False):
        his.sign_in("bob@example.net", PASSWORD)
        his.visit(f"{CONSOLE}/sso/login/?next=/admin/")
        assert his.address == f"{CONSOLE}/admin/"


def test_a_hand_off_of_before_lets_nobody_in_again(
    northwind: Organisation, bob: User, his: Browser
) -> None:
    link = hand_off_link(his, CONSOLE)
    with operator():
        deactivate_user(bob, actor=SYSTEM)
    assert "do not belong to this organisation" in text_of(his.visit(link))
    assert is_out(his)


def test_others_stay_where_they_are(
    northwind: Organisation, bob: User, his: Browser, other_browser: Browser
) -> None:
    other_browser.sign_in("alice@example.net", PASSWORD)
    other_browser.visit(f"{CONSOLE}/sso/login/?next=/admin/")
    with operator():
        deactivate_user(bob, actor=SYSTEM)
    assert other_browser.visit(f"{CONSOLE}/admin/", follow=False).status_code == 200


def test_who_was_switched_off_in_the_console_does_not_come_back_by_the_platform(
    northwind: Organisation, bob: User, his: Browser
) -> None:
    with schema_of("c_northwind"):
        deactivate_user(User.objects.get(email="bob@example.net"), actor=SYSTEM)
    with operator():
        deactivate_user(bob, actor=SYSTEM)
        reactivate_user(bob, actor=SYSTEM)
    values = {"identity": bob.uuid, "email": bob.email, "name": "", "role": "member"}
    with schema_of("c_northwind"), pytest.raises(HandOffError):
        ensure_member(**values, actor=SYSTEM)
    with schema_of("w_northwind"):
        assert ensure_member(**values, actor=SYSTEM).is_active


def test_an_owner_removes_a_member(northwind: Organisation, bob: User, his: Browser) -> None:
    renewal(northwind)
    alice = signed_in("alice@example.net")
    assert "bob@example.net" in text_of(alice.get(PAGE))
    page = alice.post(PAGE, {"what": "remove", "who": str(bob.uuid)}, follow=True)
    assert "Bob is removed" in text_of(page)
    assert is_out(his)
    assert his.visit(f"{CONSOLE}/sso/login/").status_code == 404
    assert not Membership.objects.filter(user=bob.uuid).exists()
    with schema_of("w_northwind"):
        row = User.objects.get(email="bob@example.net")
        assert not row.is_active
        with pytest.raises(ConflictError, match="does not belong"):
            reactivate_user(row, actor=SYSTEM)
    with operator():
        assert Event.objects.filter(type="organisation.member_removed").count() == 1


def test_only_the_owner_removes_and_never_themselves(
    northwind: Organisation, bob: User, person: Callable[[str], User]
) -> None:
    mallory = person("mallory")
    with operator():
        owner = User.objects.get(uuid=northwind.owner)
        for by, member in ((bob, owner), (mallory, bob), (owner, owner)):
            with pytest.raises(ConflictError):
                remove_member(northwind, member.uuid, by=by)
    alice = signed_in("alice@example.net")
    for nobody in (mallory.uuid, owner.uuid, "", uuid4()):
        page = alice.post(PAGE, {"what": "remove", "who": str(nobody)}, follow=True)
        assert "Choose somebody who belongs" in text_of(page)
    answer = signed_in("bob@example.net").post(PAGE, {"what": "remove", "who": str(bob.uuid)})
    assert answer.status_code == 404
    assert Membership.objects.filter(organisation=northwind).count() == 2


def test_a_grant_says_who_belongs(northwind: Organisation, bob: User) -> None:
    assert members_of(northwind) == {northwind.owner: "owner", bob.uuid: "member"}
    with operator():
        deactivate_user(bob, actor=SYSTEM)
    assert members_of(northwind) == {northwind.owner: "owner"}
    workspace = northwind.workspace
    assert workspace is not None
    token = grants._sign(northwind, workspace)
    grant = open_grant(token, verify_keys(), tenant=workspace.uuid).value
    assert (grant.members, grant.visits) == ({northwind.owner: "owner"}, ())


def bring(organisation: Organisation, serial: int, **changes: object) -> None:
    """A grant comes to the workspace, as to a stack elsewhere."""
    workspace = organisation.workspace
    assert workspace is not None
    grant: Grant = grant_of(organisation, serial, **changes)
    with schema_of(workspace.schema_name):
        accept(signed(grant), tenant=workspace.uuid)


def test_a_workspace_elsewhere_learns_by_the_grant_who_is_out(
    northwind: Organisation, bob: User, his: Browser
) -> None:
    program = keys_of("bob@example.net")[1]
    with schema_of("w_northwind"):
        local = User.objects.create_user("lou@northwind.example", is_staff=True)
    bring(northwind, 3)
    assert program.get("/api/v1/me/").status_code == 200
    bring(northwind, 4, members={northwind.owner: "owner"})
    assert program.get("/api/v1/me/").status_code == 200
    assert his.visit(f"{WORKSPACE}/admin/", follow=False).status_code == 302
    with schema_of("w_northwind"):
        assert User.objects.get(pk=local.pk).is_active
        assert User.objects.get(identity=northwind.owner).is_superuser


def test_a_grant_of_before_somebody_came_in_keeps_nobody_out(
    northwind: Organisation, bob: User, his: Browser
) -> None:
    before = timezone.now() - timedelta(minutes=5)
    bring(northwind, 3, members={northwind.owner: "owner"}, issued_at=before)
    assert his.visit(f"{WORKSPACE}/admin/", follow=False).status_code == 200


def test_a_workspace_elsewhere_learns_by_the_grant_who_owns_it(
    northwind: Organisation, bob: User, his: Browser
) -> None:
    bring(northwind, 3, members={northwind.owner: "admin", bob.uuid: "owner"})
    with schema_of("w_northwind"):
        assert User.objects.get(identity=bob.uuid).is_superuser
        before = User.objects.get(identity=northwind.owner)
        assert (before.is_superuser, before.membership.role) == (False, "admin")


@pytest.mark.parametrize(("site", "schema"), [(CONSOLE, SCHEMAS[0]), (WORKSPACE, SCHEMAS[1])])
def test_a_link_of_before_opens_no_place_where_they_never_were(
    northwind: Organisation, bob: User, browser: Browser, site: str, schema: str
) -> None:
    enter(browser, FRONT, "bob@example.net")
    link = hand_off_link(browser, site)
    with operator():
        remove_member(northwind, bob.uuid, by=User.objects.get(uuid=northwind.owner))
    assert "do not belong to this organisation" in text_of(browser.visit(link))
    with schema_of(schema):
        assert not User.objects.filter(identity=bob.uuid).exists()


def test_nor_a_stack_elsewhere_that_knows_only_its_grant(
    northwind: Organisation, bob: User, browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(registry, "_belonging", [_is_named])
    browser.sign_in("bob@example.net", PASSWORD)
    bring(northwind, 3, members={northwind.owner: "owner", bob.uuid: "member"})
    first, second = (hand_off_link(browser, WORKSPACE) for _turn in range(2))
    bring(northwind, 4, members={northwind.owner: "owner"})
    assert "do not belong to this organisation" in text_of(browser.visit(first))
    # He belongs again, which the grant of before cannot know.
    with time_machine.travel(timezone.now() + timedelta(seconds=2), tick=False):
        link = hand_off_link(browser, WORKSPACE)
        assert browser.visit(link, follow=False)["Location"] == "/admin/"
    with schema_of("w_northwind"):
        assert User.objects.filter(identity=bob.uuid).exists()
    # The link of before is no more good than it was.
    assert browser.visit(second).status_code == 403


def test_signing_in_without_the_platform_keeps_nobody_in(
    northwind: Organisation, bob: User, his: Browser
) -> None:
    signed_at = timezone.now() - timedelta(minutes=1)
    with schema_of("w_northwind"):
        # He came an hour ago, and by a password there since the grant was signed.
        values = {"vouched_at": timezone.now() - timedelta(hours=1), "last_login": timezone.now()}
        User.objects.filter(identity=bob.uuid).update(**values)
    bring(northwind, 3, members={northwind.owner: "owner"}, issued_at=signed_at)
    with schema_of("w_northwind"):
        assert not User.objects.get(identity=bob.uuid).is_active
    assert his.visit(f"{WORKSPACE}/admin/", follow=False).status_code == 302
