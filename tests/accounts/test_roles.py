"""Roles: who may do what, who may give it, and what a limited member sees."""

from collections.abc import Iterator

import pytest
from django.contrib.auth.models import Permission
from django.core.exceptions import PermissionDenied
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from apps.accounts import members, service_accounts
from apps.accounts.access import all_limits, all_permissions, forget, may, narrow
from apps.accounts.backends import RoleBackend
from apps.accounts.models import ApiKey, Membership, Role, User
from apps.accounts.services import deactivate_user, ensure_member, reactivate_user
from apps.core.exceptions import ConflictError, DomainError
from apps.core.permissions import OWNER
from apps.events.actors import SYSTEM, user_actor
from apps.events.models import Event
from apps.instances.models import Instance
from apps.operations.models import Operation
from apps.tenancy.kinds import schema_of
from tests.accounts.browser import text_of
from tests.conftest import Isp
from tests.instances.world import Shop, engine, new_shop, platform, running_shop, sign_up
from tests.keys import key_like

__all__ = ["engine", "new_shop", "platform", "running_shop", "sign_up"]

PEOPLE = "/admin/accounts/user/"
JSON = "application/json"


@pytest.fixture
def console(acme: Isp, db: None) -> Iterator[None]:
    """Inside Acme's console."""
    with schema_of(acme.console):
        yield


@pytest.fixture
def alice(console: None) -> User:
    """Acme's owner."""
    return User.objects.create_superuser("alice@acme.example")


def member(name: str, role: str = "", own: Role | None = None) -> User:
    """Somebody of the staff with a role."""
    user = User.objects.create_user(f"{name}@acme.example", is_staff=True)
    if role or own:
        Membership.objects.create(user=user, role=role, own_role=own)
    return user


def browser_of(user: User, isp: Isp) -> Client:
    client = Client(headers={"host": isp.console_host})
    client.force_login(user)
    return client


def program_of(isp: Isp, key: str) -> Client:
    return Client(headers={"host": isp.console_host, "authorization": f"Bearer {key}"})


def test_every_permission_and_limit_is_declared_once_with_words() -> None:
    found = all_permissions()
    assert len(found) > 20
    assert all("." in key and str(one.title) for key, one in found.items())
    assert set(all_limits()) == {"instance", "region"}


def test_what_no_role_grants_is_denied(alice: User) -> None:
    nobody, dora = member("nobody"), User.objects.create_user("dora@example.com")
    viewer = member("vic", "viewer")
    for key in [*all_permissions(), "instances.view_instance", "made.up"]:
        assert may(alice, key)
        assert not may(nobody, key)
        assert not may(dora, key)
        assert not may(None, key)
    assert may(viewer, "instances.view_instance")
    assert viewer.has_perm("instances.view_instance")
    assert not viewer.has_perm("instances.change_instance")
    assert not may(viewer, "instances.stop")


def test_no_other_backend_grants_what_the_role_does_not(alice: User) -> None:
    viewer = member("vic", "viewer")
    viewer.user_permissions.set(Permission.objects.filter(codename="change_user"))
    assert not viewer.has_perm("accounts.change_user")
    assert not viewer.has_module_perms("accounts")


def test_a_key_may_what_its_account_may_and_not_longer(alice: User) -> None:
    tess = member("tess", "technician")
    key, _text = key_like(tess)
    assert may(key, "instances.stop")
    assert not may(key, "instances.archive")
    service_accounts.change_account(key.account, role="viewer", by=alice)
    assert not may(ApiKey.objects.get(), "instances.stop")


def test_a_role_of_ones_own_grants_what_is_ticked(alice: User, acme: Isp) -> None:
    page = browser_of(alice, acme).post(
        "/admin/accounts/role/add/",
        {"name": "Night shift", "permissions": ["instances.view", "instances.stop"]},
    )
    assert page.status_code == 302
    connection.set_schema(acme.console)
    role = Role.objects.get()
    nora = member("nora")
    members.set_role(nora, str(role.uuid), by=alice)
    assert may(nora, "instances.stop")
    assert not may(nora, "instances.suspend")
    assert members.role_title(nora) == "Night shift"
    members.change_role(role, name="Night shift", permissions=["instances.view"], by=alice)
    assert not may(User.objects.get(pk=nora.pk), "instances.stop")
    with pytest.raises(ConflictError, match="Somebody still has"):
        members.delete_role(role, by=alice)
    kinds = list(Event.objects.order_by("id").values_list("type", flat=True))
    assert kinds == ["role.created", "user.role_changed", "role.changed"]


def test_a_permission_that_no_app_declares_any_more_grants_nothing(alice: User) -> None:
    role = Role.objects.create(name="Old", permissions=["gone.away", "instances.view"])
    olga = member("olga", own=role)
    assert may(olga, "instances.view")
    assert not may(olga, "gone.away")


def test_nobody_gives_more_than_they_hold(alice: User) -> None:
    keys = ["people.view", "people.manage", "roles.manage", "instances.view"]
    hr = Role.objects.create(name="HR", permissions=keys)
    hal, vic = member("hal", own=hr), member("vic", "viewer")
    for role in ("owner", "admin", "technician"):
        with pytest.raises(PermissionDenied):
            members.set_role(hal, role, by=hal)
    with pytest.raises(PermissionDenied):
        members.create_role(name="More", permissions=["instances.stop"], by=hal)
    with pytest.raises(PermissionDenied):
        members.change_role(hr, name="HR", permissions=[*keys, "instances.stop"], by=hal)
    with pytest.raises(PermissionDenied):
        members.set_role(vic, "", by=hal)
    with pytest.raises(PermissionDenied):
        members.set_role(alice, "", by=hal)
    assert Membership.objects.get(user=vic).role == "viewer"
    new = member("new")
    members.set_role(new, str(hr.uuid), by=hal)
    assert may(new, "people.manage")


def test_who_manages_nobody_changes_nobody(alice: User) -> None:
    tess, new = member("tess", "technician"), member("new")
    with pytest.raises(PermissionDenied):
        members.set_role(new, "viewer", by=tess)


def test_the_last_owner_stays(alice: User) -> None:
    with pytest.raises(ConflictError, match="only active person"):
        members.set_role(alice, "admin", by=alice)
    bob = member("bob", "admin")
    members.set_role(bob, OWNER, by=alice)
    members.set_role(alice, "admin", by=bob)
    assert (bob.is_superuser, alice.is_superuser) == (True, False)
    assert not Membership.objects.filter(user=bob).exists()


def test_who_is_owner_on_the_platform_is_so_here(alice: User) -> None:
    identity = alice.uuid
    olga = ensure_member(
        identity=identity, email="olga@acme.example", name="", role=OWNER, actor=SYSTEM
    )
    with pytest.raises(ConflictError, match="comes here from DotMac"):
        members.set_role(olga, "viewer", by=alice)


def test_who_comes_in_a_role_has_it_until_it_is_changed_here(alice: User) -> None:
    who = {"identity": alice.uuid, "email": "tess@acme.example", "name": "", "actor": SYSTEM}
    tess = ensure_member(role="technician", **who)
    assert may(tess, "instances.stop")
    members.set_role(tess, "viewer", by=alice)
    again = ensure_member(role="technician", **who)
    assert not may(again, "instances.stop")


def test_a_role_that_is_none_is_refused(alice: User) -> None:
    new = member("new")
    for role in ("boss", "0b0f7c5e-9d0a-4b57-8f41-0d1a4c6a7e11"):
        with pytest.raises(DomainError, match="no such role"):
            members.set_role(new, role, by=alice)
    with pytest.raises(DomainError, match="no such resource"):
        members.set_role(new, "viewer", by=alice, limits=["planet:mars"])


def test_deactivation_ends_sessions_for_good_and_no_service_account(alice: User, acme: Isp) -> None:
    tess = member("tess", "technician")
    browser = browser_of(tess, acme)
    _key, text = key_like(tess)
    program = Client(
        headers={"host": acme.console_host, "authorization": f"Bearer {text.reveal()}"}
    )
    assert browser.get("/admin/").status_code == 200
    assert program.get("/api/v1/instances/").status_code == 200
    connection.set_schema(acme.console)
    deactivate_user(tess, actor=user_actor(alice))
    reactivate_user(tess, actor=user_actor(alice))
    assert browser.get("/admin/").status_code == 302
    assert program.get("/api/v1/instances/").status_code == 200


def test_people_are_listed_with_role_factor_and_last_sign_in(alice: User, acme: Isp) -> None:
    member("tess", "technician")
    page = text_of(browser_of(alice, acme).get(PEOPLE))
    for said in ("Technician", "Owner", "Second factor", "Last login"):
        assert said in page, said


def test_an_admin_does_not_touch_an_owner(alice: User, acme: Isp) -> None:
    client = browser_of(member("ada", "admin"), acme)
    assert client.post(f"{PEOPLE}{alice.pk}/change/", {"name": "Mallory"}).status_code == 403
    switch = {"action": "deactivate", "_selected_action": [alice.pk]}
    assert "may do more than you" in text_of(client.post(PEOPLE, switch, follow=True))
    connection.set_schema(acme.console)
    alice.refresh_from_db()
    assert (alice.name, alice.is_active) == ("", True)


def test_a_limited_member_sees_one_instance_and_its_work(acme: Isp, running_shop: Shop) -> None:
    with schema_of(acme.console):
        owner = User.objects.create_superuser("alice@acme.example")
        other = Instance.objects.get(pk=running_shop.row.pk)
        other.pk, other.uuid, other.app = None, owner.uuid, "other"
        other.hostname, other.name = "acme--other.apps.localhost", "Other"
        other.save()
        lim = member("lim")
        limits = [f"instance:{running_shop.uuid}"]
        members.set_role(lim, "admin", by=owner, limits=limits)
        assert [row.name for row in narrow(lim, Instance.objects.all())] == [running_shop.row.name]
        assert narrow(lim, Operation.objects.all()).count() >= 1
        assert may(lim, "instances.stop", running_shop.row)
        assert not may(lim, "instances.stop", other)
        for key in ("people.manage", "instances.install", "record.view", "roles.manage"):
            assert not may(lim, key), key
        client = browser_of(lim, acme)
    listing = text_of(client.get("/admin/instances/instance/"))
    assert running_shop.row.hostname in listing
    assert other.hostname not in listing
    assert other.hostname not in text_of(client.get("/admin/"))
    for tab in ("change", "deployments", "environment", "settings"):
        answer = client.get(f"/admin/instances/instance/{other.pk}/{tab}/")
        assert answer.status_code in (302, 404), tab
    assert client.post(f"/admin/instances/instance/{other.pk}/do/stop/").status_code == 404
    assert client.get(f"/instances/{other.uuid}/open/").status_code == 404
    assert client.get(PEOPLE).status_code == 403
    with schema_of(acme.console):
        key = key_like(lim)[1].reveal()
    program = program_of(acme, key)
    (row,) = program.get("/api/v1/instances/").json()["results"]
    assert row["id"] == str(running_shop.uuid)
    assert program.post(f"/api/v1/instances/{other.uuid}/stop/", {}, JSON).status_code == 404
    assert program.post(f"/api/v1/instances/{running_shop.uuid}/stop/", {}, JSON).status_code == 202


def test_what_is_kept_of_a_role_is_read_again(alice: User) -> None:
    tess = member("tess", "technician")
    assert may(tess, "instances.stop")
    Membership.objects.filter(user=tess).update(role="viewer")
    assert may(tess, "instances.stop")
    forget(tess)
    assert not may(tess, "instances.stop")


def test_staff_without_a_role_have_none_of_the_roles(alice: User, acme: Isp) -> None:
    carl = member("carl")
    assert not any(may(carl, key) for key in all_permissions())
    assert browser_of(carl, acme).get("/admin/instances/instance/").status_code == 403


def test_a_role_above_ones_own_is_only_looked_at(alice: User, acme: Isp) -> None:
    keys = ["people.view", "people.manage", "roles.manage", "instances.view"]
    hr = Role.objects.create(name="HR", permissions=keys)
    more = Role.objects.create(name="More", permissions=["instances.stop"])
    client = browser_of(member("hal", own=hr), acme)
    page = f"/admin/accounts/role/{more.pk}"
    assert client.get(f"{page}/change/").status_code == 200
    form = {"name": "Less", "permissions": ["instances.view"]}
    assert client.post(f"{page}/change/", form).status_code == 403
    assert client.get(f"{page}/delete/").status_code == 403
    assert client.post(f"{page}/delete/", {"post": "yes"}).status_code == 403
    asked = {"name": "HR", "permissions": [*keys, "instances.stop"]}
    answer = client.post(f"/admin/accounts/role/{hr.pk}/change/", asked)
    assert answer.status_code == 200
    assert "may do more than you" in text_of(answer)
    assert "was changed successfully" not in text_of(answer)
    connection.set_schema(acme.console)
    assert set(Role.objects.get(pk=hr.pk).permissions) == set(keys)
    assert Role.objects.get(pk=more.pk).name == "More"


def test_a_role_s_name_that_is_taken_is_said_at_the_form(alice: User, acme: Isp) -> None:
    Role.objects.create(name="Night", permissions=[])
    day = Role.objects.create(name="Day", permissions=[])
    client = browser_of(alice, acme)
    page = client.post(f"/admin/accounts/role/{day.pk}/change/", {"name": "Night"})
    assert page.status_code == 200
    assert "There is a role Night already" in text_of(page)


def test_a_role_that_somebody_got_meanwhile_is_not_said_to_be_deleted(
    alice: User, acme: Isp, monkeypatch: pytest.MonkeyPatch
) -> None:
    night = Role.objects.create(name="Night", permissions=[])

    def refuse(*args: object, **kwargs: object) -> None:
        raise ConflictError("Somebody still has the role Night.")

    monkeypatch.setattr(members, "delete_role", refuse)
    page = browser_of(alice, acme).post(
        f"/admin/accounts/role/{night.pk}/delete/", {"post": "yes"}, follow=True
    )
    assert "Somebody still has the role Night" in text_of(page)
    assert "was deleted successfully" not in text_of(page)


def test_what_keeps_a_role_from_being_given_is_said_at_the_form(alice: User, acme: Isp) -> None:
    page = browser_of(alice, acme).post(
        f"{PEOPLE}{alice.pk}/change/", {"name": "Alice", "role": "viewer"}
    )
    assert page.status_code == 200
    assert "only active person" in text_of(page)
    assert "was changed successfully" not in text_of(page)
    connection.set_schema(acme.console)
    alice.refresh_from_db()
    assert (alice.name, alice.is_superuser) == ("", True)


def test_a_role_that_is_not_on_offer_stays(acme: Isp, running_shop: Shop) -> None:
    with schema_of(acme.console):
        owner = User.objects.create_superuser("alice@acme.example")
        keys = ["people.view", "people.manage", "instances.view", "operations.view"]
        hr = Role.objects.create(name="HR", permissions=keys)
        hal, lim = member("hal", own=hr), member("lim")
        wide = Role.objects.create(name="Wide", permissions=["instances.view", "record.view"])
        limits = [f"instance:{running_shop.uuid}"]
        members.set_role(lim, str(wide.uuid), by=owner, limits=limits)
        client = browser_of(hal, acme)
    page = client.get(f"{PEOPLE}{lim.pk}/change/")
    assert page.status_code == 200
    assert 'name="role"' not in page.content.decode()
    assert client.post(f"{PEOPLE}{lim.pk}/change/", {"name": "Lim"}).status_code == 302
    with schema_of(acme.console):
        lim = User.objects.get(pk=lim.pk)
        assert (lim.name, members.role_title(lim)) == ("Lim", "Wide")
        assert members.limits_in_text(lim) == limits


def test_a_role_with_what_is_gone_is_still_given(alice: User) -> None:
    role = Role.objects.create(name="Old", permissions=["gone.away", "instances.view"])
    hr = Role.objects.create(name="HR", permissions=["people.manage", "instances.view"])
    hal, new = member("hal", own=hr), member("new")
    members.set_role(new, str(role.uuid), by=hal)
    assert may(new, "instances.view")


def test_a_limit_to_what_is_not_here_is_refused_but_one_that_is_gone_stays(
    acme: Isp, running_shop: Shop
) -> None:
    with schema_of(acme.console):
        owner, lim = User.objects.create_superuser("alice@acme.example"), member("lim")
        for limit in ("instance:no-uuid", f"instance:{owner.uuid}", "region:1", "instance:"):
            with pytest.raises(DomainError, match="no such resource"):
                members.set_role(lim, "viewer", by=owner, limits=[limit])
        gone = f"instance:{owner.uuid}"
        held = [{"type": "instance", "id": str(owner.uuid)}]
        Membership.objects.create(user=lim, role="viewer", limits=held)
        lim = User.objects.get(pk=lim.pk)
        members.set_role(lim, "technician", by=owner, limits=[gone])
        assert members.limits_in_text(lim) == [gone]


def test_who_asks_is_read_in_one_query(alice: User) -> None:
    tess = member("tess", "technician")
    backend = RoleBackend()
    with CaptureQueriesContext(connection) as counted:
        found = backend.get_user(tess.pk)
        assert may(found, "instances.stop")
    assert len(counted) == 1
