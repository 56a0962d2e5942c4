"""Eve of the operator helps Alice's ISP: with a reason, for a time, seen, and not in all."""

from collections.abc import Callable
from datetime import timedelta

import pytest
import time_machine
from django.core.exceptions import PermissionDenied
from django.utils import timezone

from apps.accounts import members
from apps.accounts.access import may, permissions_of_role, permissions_of_visitors
from apps.accounts.models import ServiceAccount, User, Visit
from apps.accounts.security.policy import set_policy
from apps.accounts.service_accounts import create_account
from apps.accounts.services import deactivate_user
from apps.core.exceptions import ConflictError, DomainError
from apps.events.actors import SYSTEM, user_actor
from apps.notifications.models import Notification
from apps.notifications.reactions import _tell_of_support_visit
from apps.tenancy.kinds import operator, schema_of
from apps.tenants import impersonation
from apps.tenants.models import Impersonation, Organisation
from apps.tenants.models import Membership as Belonging
from tests.accounts.authenticators import code_at
from tests.accounts.browser import Browser, text_of
from tests.accounts.conftest import PASSWORD
from tests.accounts.people import add_app
from tests.accounts.visiting import (
    CONSOLE,
    CONSOLE_HOST,
    FRONT,
    REASON,
    WORKSPACE,
    begin,
    page_of,
    rows,
    staff,
)

pytestmark = pytest.mark.django_db


def test_a_visit_is_seen_by_everybody(inside: Browser, northwind: Organisation, eve: User) -> None:
    page = text_of(inside.page)
    for said in ("Support visit of eve@example.net.", f"Reason: {REASON}.", "15 minutes left"):
        assert said in page, said
    for path in ("/admin/instances/instance/", "/notifications/", "/admin/instances/catalogue/"):
        assert "Support visit of eve@example.net" in text_of(inside.visit(f"{CONSOLE}{path}")), path
    (there,) = rows("c_northwind", "impersonation.started")
    assert (there.actor_kind, there.actor_id) == ("support", str(eve.uuid))
    assert there.actor_label == f"eve@example.net, support: {REASON}"
    assert there.data["reason"] == REASON
    (here,) = rows("public", "impersonation.started")
    assert (here.actor_label, here.data["organisation"]) == ("eve@example.net", "Northwind Fiber")
    with schema_of("c_northwind"):
        _tell_of_support_visit(there)
        told = Notification.objects.get(kind="support.visit")
        assert told.user.email == "alice@example.net"
    page = inside.visit(f"{FRONT}/admin/tenants/organisation/{northwind.pk}/change/")
    assert REASON in text_of(page)


def test_what_is_done_names_who_and_why(inside: Browser) -> None:
    with schema_of("c_northwind"):
        visitor = User.objects.get(is_visitor=True)
        visitor.visit = Visit.objects.get()
        actor = user_actor(visitor)
        assert actor.label == f"eve@example.net, support: {REASON}"
        with pytest.raises(PermissionDenied):
            visitor.save()


def test_the_workspace_is_entered_by_the_same_visit(
    inside: Browser, northwind: Organisation
) -> None:
    page = inside.visit(f"{WORKSPACE}/sso/login/?next=/admin/")
    assert "Support visit of eve@example.net" in text_of(page)
    with schema_of("c_northwind"):
        console = Visit.objects.get()
    with schema_of("w_northwind"):
        workspace = Visit.objects.get()
    assert (console.uuid, console.expires_at) == (workspace.uuid, workspace.expires_at)
    inside.submit(f"{WORKSPACE}/sso/leave/", follow=False)
    assert inside.visit(f"{CONSOLE}/admin/").status_code == 403
    assert Impersonation.objects.get().ended_at is not None


def test_leaving_ends_it_everywhere(inside: Browser, northwind: Organisation) -> None:
    second_tab = inside.client(CONSOLE_HOST).cookies.copy()
    left = inside.submit(f"{CONSOLE}/sso/leave/", follow=False)
    assert left["location"] == f"{FRONT}/admin/tenants/organisation/"
    inside.client(CONSOLE_HOST).cookies = second_tab
    assert inside.visit(f"{CONSOLE}/admin/", follow=False).status_code == 302
    for schema in ("public", "c_northwind"):
        (event,) = rows(schema, "impersonation.ended")
        assert event.actor_label == f"eve@example.net, support: {REASON}"
    assert "Enter as support" in text_of(inside.visit(f"{CONSOLE}/admin/"))


def test_signing_out_is_leaving(inside: Browser) -> None:
    inside.submit(f"{CONSOLE}/accounts/logout/", follow=False)
    assert Impersonation.objects.get().ended_at is not None


def test_it_ends_in_time_in_every_tab_and_is_not_renewed(
    inside: Browser, northwind: Organisation, run_due: Callable[[], list[str]]
) -> None:
    later = timezone.now() + timedelta(minutes=16)
    with time_machine.travel(later, tick=False):
        part = inside.visit(f"{CONSOLE}/notifications/bell/", **{"HX-Request": "true"})
        assert (part.status_code, part["HX-Refresh"]) == (204, "true")
        page = inside.visit(f"{CONSOLE}/admin/")
        assert page.status_code == 403
        assert "The support visit is over" in text_of(page)
        # The second window, and signing in anew, lead to the page that asks for a reason.
        inside.visit(f"{CONSOLE}/admin/")
        assert inside.address.startswith((page_of(northwind), f"{FRONT}/accounts/reauth"))
    Impersonation.objects.update(expires_at=timezone.now())
    with schema_of("c_northwind"):
        Visit.objects.update(expires_at=timezone.now())
    with operator():
        impersonation.end(Impersonation.objects.get().uuid, SYSTEM)
    assert [e.actor_kind for e in rows("c_northwind", "impersonation.ended")] == ["system"]


@pytest.mark.parametrize(
    "path",
    [
        "/admin/accounts/user/",
        "/admin/accounts/user/add/",
        "/admin/accounts/role/add/",
        "/admin/accounts/invitation/add/",
        "/admin/accounts/apikey/add/",
        "/admin/accounts/signinpolicy/",
        "/admin/events/event/",
        "/admin/events/event/erase/",
        "/admin/events/event/export.csv",
        "/admin/lists/instances/instance/export.csv",
        "/admin/webhooks/endpoint/",
        "/accounts/security/",
        "/notifications/settings/",
    ],
)
def test_what_a_visitor_may_not(inside: Browser, path: str) -> None:
    assert inside.visit(f"{CONSOLE}{path}", follow=False).status_code == 403
    assert inside.submit(f"{CONSOLE}{path}", {}, follow=False).status_code == 403


@pytest.mark.parametrize(
    "path",
    [
        "/admin/subscribers/subscriber/export.csv",
        "/admin/lists/subscribers/subscriber/export.csv",
        "/accounts/password/reset/",
        "/accounts/invitation/abc/",
        "/accounts/login/",
        "/accounts/2fa/app/add/",
    ],
)
def test_what_a_visitor_may_not_in_a_workspace(inside: Browser, path: str) -> None:
    assert inside.visit(f"{WORKSPACE}/sso/login/?next=/admin/").status_code == 200
    assert inside.visit(f"{WORKSPACE}{path}", follow=False).status_code in (403, 404)
    assert inside.visit(f"{WORKSPACE}/admin/subscribers/subscriber/").status_code == 200


def test_a_visitor_holds_no_more_than_technicians_and_support(inside: Browser) -> None:
    held = permissions_of_visitors()
    assert held < permissions_of_role("technician") | permissions_of_role("support")
    for key in ("people.manage", "roles.manage", "keys.use", "record.view", "subscribers.transfer"):
        assert key not in held, key
    with schema_of("c_northwind"):
        visitor = User.objects.get(is_visitor=True)
        assert not may(visitor, "instances.view")
        assert (visitor.is_active, visitor.is_staff) == (False, False)
        assert not visitor.has_usable_password()
        visitor.visit, visitor.is_active, visitor.is_staff = Visit.objects.get(), True, True
        assert may(visitor, "instances.stop")
        with pytest.raises(PermissionDenied):
            create_account(name="robot", role="viewer", by=visitor)
        assert not ServiceAccount.objects.exists()
        owner = User.objects.get(email="alice@example.net")
        with pytest.raises(PermissionDenied):
            members.set_role(owner, "viewer", by=visitor)


def test_the_people_of_the_isp_do_not_list_visitors(
    inside: Browser, other_browser: Browser
) -> None:
    other_browser.sign_in("alice@example.net", PASSWORD)
    page = other_browser.visit(f"{CONSOLE}/admin/accounts/user/")
    assert "alice@example.net" in text_of(page)
    assert "eve@example.net" not in text_of(page)
    record = text_of(other_browser.visit(f"{CONSOLE}/admin/events/event/"))
    assert f"eve@example.net, support: {REASON}" in record


def test_who_may_not_begin_one(
    northwind: Organisation, person: Callable[[str], User], browser: Browser
) -> None:
    staff(person, "vic", "viewer")
    browser.sign_in("vic@example.net", PASSWORD)
    assert browser.visit(page_of(northwind)).status_code == 403
    assert begin(browser, northwind).status_code == 403
    assert browser.visit(f"{CONSOLE}/sso/login/").status_code == 404
    person("mallory")
    outsider = Browser()
    outsider.sign_in("mallory@example.net", PASSWORD)
    assert begin(outsider, northwind).status_code == 403
    assert outsider.visit(f"{CONSOLE}/sso/login/").status_code == 404
    assert "/login/" in Browser().visit(page_of(northwind), follow=False)["location"]
    assert not Impersonation.objects.exists()


def test_not_even_the_operator_s_owner_enters_without_a_visit(
    northwind: Organisation, person: Callable[[str], User], browser: Browser
) -> None:
    root = person("root")
    with operator():
        User.objects.filter(pk=root.pk).update(is_staff=True, is_superuser=True)
    browser.sign_in("root@example.net", PASSWORD)
    browser.visit(f"{CONSOLE}/sso/login/?next=/admin/")
    assert browser.address == page_of(northwind)
    with schema_of("c_northwind"):
        assert not Visit.objects.exists()
        assert not User.objects.filter(email="root@example.net").exists()


def test_a_member_enters_as_themselves(hers: Browser, northwind: Organisation, eve: User) -> None:
    Belonging.objects.create(organisation=northwind, user=eve.uuid, role="member")
    assert "Enter it as yourself" in text_of(begin(hers, northwind))
    assert not Impersonation.objects.exists()


def test_the_reason_and_the_time_are_checked(eve: User, northwind: Organisation) -> None:
    with operator():
        for reason, minutes, field in (
            ("help", 15, "reason"),
            ("x" * 141, 15, "reason"),
            (REASON, 90, "minutes"),
        ):
            with pytest.raises(DomainError) as error:
                impersonation.start(northwind, reason=reason, minutes=minutes, by=eve)
            assert error.value.field == field
        impersonation.start(northwind, reason=REASON, minutes=60, by=eve)
        with pytest.raises(ConflictError, match="already"):
            impersonation.start(northwind, reason=REASON, minutes=60, by=eve)


def test_it_is_asked_again_who_one_is(hers: Browser, northwind: Organisation) -> None:
    with time_machine.travel(timezone.now() + timedelta(minutes=10), tick=False):
        answer = hers.submit(
            page_of(northwind), {"what": "start", "reason": REASON, "minutes": "15"}, follow=False
        )
        assert answer["location"].startswith("/accounts/reauthenticate/")
        assert not Impersonation.objects.exists()
        hers.submit(f"{FRONT}/accounts/reauthenticate/", {"password": PASSWORD})
        assert begin(hers, northwind).status_code == 200
        assert Impersonation.objects.exists()


def test_who_has_a_second_factor_proves_by_that(hers: Browser, northwind: Organisation) -> None:
    secret = add_app(hers, FRONT)
    later = timezone.now() + timedelta(minutes=10)
    with time_machine.travel(later, tick=False):
        hers.submit(f"{FRONT}/accounts/reauthenticate/", {"password": PASSWORD})
        asked = {"what": "start", "reason": REASON, "minutes": "15"}
        answer = hers.submit(page_of(northwind), asked, follow=False)
        assert answer["location"].startswith("/accounts/2fa/reauthenticate/")
        hers.submit(f"{FRONT}/accounts/2fa/reauthenticate/", {"code": code_at(secret)})
        assert begin(hers, northwind).status_code == 200


def test_the_isp_s_policy_holds_for_visitors_at_once(
    hers: Browser, northwind: Organisation
) -> None:
    with schema_of("c_northwind"):
        set_policy(who="staff", grace_days=30, actor=SYSTEM, methods=["webauthn"])
    page = begin(hers, northwind)
    assert page.status_code == 403
    assert "only with one" in text_of(page)


@pytest.mark.parametrize("how", ["off", "demoted"])
def test_who_loses_the_right_is_out_at_once(inside: Browser, eve: User, how: str) -> None:
    with operator():
        root = User.objects.create_superuser("root@example.net")
        if how == "off":
            deactivate_user(eve, actor=user_actor(root))
        else:
            members.set_role(eve, "viewer", by=root)
    assert inside.visit(f"{CONSOLE}/admin/").status_code == 403
    assert rows("c_northwind", "impersonation.ended")
