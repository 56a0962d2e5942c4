"""Who must sign in with a second factor: from when on, where it holds, and how one gets it."""

import csv
import io
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

import pytest
import time_machine
from allauth.mfa.models import Authenticator
from django.conf import settings
from django.utils import timezone

from apps.accounts import hand_off
from apps.accounts.models import User
from apps.accounts.security.policy import set_policy
from apps.core.exceptions import ConflictError
from apps.events.actors import SYSTEM
from apps.events.models import Event
from apps.tenancy.kinds import schema_of
from apps.tenants.models import Membership, Organisation
from tests.accounts.authenticators import code_at
from tests.accounts.browser import Browser, text_of
from tests.accounts.conftest import PASSWORD
from tests.accounts.people import ACME, FRONT, SCHEMAS, add_app, enter, somebody
from tests.keys import key_like

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("commits")]
CONSOLE = f"http://northwind.{settings.BASE_DOMAIN}:8000"
SITES = pytest.mark.parametrize("site", [FRONT, ACME])


def demand(schema: str, who: str, grace_days: int = 0) -> None:
    """An owner who signed in with a code demands it of others."""
    with schema_of(schema):
        set_policy(who=who, grace_days=grace_days, actor=SYSTEM, methods=["pwd", "otp"])


@contextmanager
def days_later(days: float) -> Iterator[datetime]:
    """Some days on."""
    moment = timezone.now() + timedelta(days=days)
    with time_machine.travel(moment, tick=True):
        yield moment


@SITES
def test_staff_without_one_are_led_to_set_it_up_and_reach_nothing_else(
    browser: Browser, site: str
) -> None:
    somebody(site, "alice", is_staff=True, is_superuser=True)
    demand(SCHEMAS[site], "staff")
    enter(browser, site, "alice@example.net")
    for path in ("/admin/", "/admin/accounts/user/", "/", "/accounts/security/"):
        answer = browser.visit(f"{site}{path}", follow=False)
        assert answer.status_code == 302, path
        assert answer["Location"].startswith("/accounts/security/second-factor/"), path
    assert browser.submit(f"{site}/admin/accounts/user/add/", follow=False).status_code == 302
    page = browser.visit(f"{site}/admin/accounts/user/")
    assert "Set up a second factor" in text_of(page)
    add_app(browser, site)
    # The button below the recovery codes leads on to where she wanted to go.
    browser.visit(f"{site}/accounts/security/second-factor/")
    assert browser.address == f"{site}/admin/accounts/user/"
    assert browser.page.status_code == 200


@SITES
def test_customers_are_meant_only_when_everybody_is(browser: Browser, site: str) -> None:
    somebody(site, "carol")
    demand(SCHEMAS[site], "staff")
    enter(browser, site, "carol@example.net")
    assert browser.visit(f"{site}/accounts/security/", follow=False).status_code == 200
    demand(SCHEMAS[site], "everybody")
    assert browser.visit(f"{site}/accounts/security/", follow=False).status_code == 302


def test_a_part_of_a_page_leads_the_whole_page(browser: Browser) -> None:
    somebody(FRONT, "alice", is_staff=True, is_superuser=True)
    demand("public", "staff")
    enter(browser, FRONT, "alice@example.net")
    answer = browser.visit(f"{FRONT}/admin/", follow=False, **{"HX-Request": "true"})
    assert answer["HX-Redirect"] == "/accounts/security/second-factor/"


def test_there_is_grace_from_the_policy_and_for_who_joins_later(browser: Browser) -> None:
    somebody(FRONT, "alice", is_staff=True, is_superuser=True)
    demand("public", "staff", grace_days=7)
    enter(browser, FRONT, "alice@example.net")
    page = text_of(browser.visit(f"{FRONT}/accounts/security/"))
    assert "A second factor is needed" in page
    with days_later(6.9):
        assert browser.visit(f"{FRONT}/admin/", follow=False).status_code == 200
        somebody(FRONT, "nora", is_staff=True)
    with days_later(7.1):
        assert browser.visit(f"{FRONT}/admin/", follow=False).status_code == 302
    nora = Browser()
    with days_later(13):
        enter(nora, FRONT, "nora@example.net")
        assert nora.visit(f"{FRONT}/accounts/security/", follow=False).status_code == 200
    with days_later(14.2):
        assert nora.visit(f"{FRONT}/accounts/security/", follow=False).status_code == 302


def test_a_session_from_before_the_factor_is_asked_for_it(
    browser: Browser, other_browser: Browser
) -> None:
    somebody(FRONT, "alice", is_staff=True, is_superuser=True)
    enter(browser, FRONT, "alice@example.net")
    enter(other_browser, FRONT, "alice@example.net")
    secret = add_app(browser, FRONT)
    demand("public", "staff")
    assert browser.visit(f"{FRONT}/admin/", follow=False).status_code == 200
    with days_later(1):
        page = other_browser.visit(f"{FRONT}/admin/")
        assert "Confirm that it is you" in text_of(page)
        other_browser.submit(other_browser.address, {"code": code_at(secret)})
        assert other_browser.address == f"{FRONT}/admin/"


def test_keys_of_programs_go_on(browser: Browser) -> None:
    alice = somebody(ACME, "alice", is_staff=True, is_superuser=True)
    with schema_of("w_acme"):
        _key, text = key_like(alice, "billing")
    demand("w_acme", "everybody")
    header = {"Authorization": f"Bearer {text.reveal()}"}
    assert browser.visit(f"{ACME}/api/v1/operations/", **header).status_code == 200
    # A session opens the API to nobody, with or without a factor.
    enter(browser, ACME, "alice@example.net")
    assert browser.visit(f"{ACME}/api/v1/operations/").status_code == 401


@pytest.fixture
def alice(northwind: Organisation, browser: Browser) -> Browser:
    """Northwind's owner, signed in at the operator with her password."""
    browser.sign_in("alice@example.net", PASSWORD)
    return browser


def test_a_console_lets_in_who_signed_in_at_the_operator_with_a_factor(alice: Browser) -> None:
    demand("c_northwind", "staff")
    page = alice.visit(f"{CONSOLE}/sso/login/")
    assert page.status_code == 403
    assert "signed in without a second factor" in text_of(page)
    assert f"{FRONT}/accounts/security/second-factor/" in text_of(page)
    secret = add_app(alice, FRONT)
    assert alice.visit(f"{CONSOLE}/sso/login/").status_code == 200
    assert alice.address == f"{CONSOLE}/admin/"
    with schema_of("c_northwind"):
        data = Event.objects.filter(type="user.signed_in").latest("id").data
    assert data == {"by": "hand-off", "methods": ["pwd", "otp"], "ip": "127.0.0.1"}
    with days_later(1):
        alice.submit(f"{FRONT}/accounts/logout/")
        alice.sign_in("alice@example.net", PASSWORD)
        alice.submit(f"{FRONT}/accounts/2fa/authenticate/", {"code": code_at(secret)})
        assert alice.address == f"{CONSOLE}/admin/"
        assert alice.page.status_code == 200


def test_a_console_s_session_from_before_the_policy_is_sent_to_the_operator(
    alice: Browser,
) -> None:
    alice.visit(f"{CONSOLE}/admin/")
    demand("c_northwind", "staff")
    page = text_of(alice.visit(f"{CONSOLE}/admin/"))
    assert "A second factor is needed" in page
    assert "Use a second factor at DotMac" in page
    assert alice.visit(f"{CONSOLE}/admin/accounts/user/", follow=False).status_code == 302
    # Signing in anew says the same, and spends nothing.
    assert alice.visit(f"{CONSOLE}/sso/login/").status_code == 403


def test_a_workspace_refuses_a_hand_off_without_a_factor_too(alice: Browser) -> None:
    workspace = f"https://northwind.{settings.APPS_DOMAIN}:8443"
    demand("w_northwind", "staff")
    assert alice.visit(f"{workspace}/sso/login/").status_code == 403
    add_app(alice, FRONT)
    assert alice.visit(f"{workspace}/sso/login/").status_code == 200


def test_a_hand_off_of_an_older_platform_proves_no_factor(
    alice: Browser, northwind: Organisation, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its token has no `amr` at all."""
    add_app(alice, FRONT)
    issue = hand_off.sign

    def sign_as_before(payload: dict[str, Any], *args: Any, **kwargs: Any) -> str:
        return issue({k: v for k, v in payload.items() if k != "amr"}, *args, **kwargs)

    monkeypatch.setattr(hand_off, "sign", sign_as_before)
    assert alice.visit(f"{CONSOLE}/admin/").status_code == 200
    alice.submit(f"{CONSOLE}/accounts/logout/")
    demand("c_northwind", "staff")
    assert alice.visit(f"{CONSOLE}/admin/").status_code == 403


def test_the_last_owner_cannot_lock_everybody_out(browser: Browser) -> None:
    with schema_of("public"), pytest.raises(ConflictError, match="lock yourself out"):
        set_policy(who="staff", grace_days=0, actor=SYSTEM, methods=["pwd"])
    somebody(FRONT, "alice", is_staff=True, is_superuser=True)
    enter(browser, FRONT, "alice@example.net")
    path = f"{FRONT}/admin/accounts/signinpolicy/"
    page = browser.submit(path, {"who": "staff", "grace_days": 3})
    assert "you would lock yourself out" in text_of(page)
    add_app(browser, FRONT)
    page = browser.submit(path, {"who": "staff", "grace_days": 3})
    assert "The policy is saved" in text_of(page)
    with schema_of("public"):
        event = Event.objects.get(type="sign_in_policy.changed")
        changed = {
            "who": {"before": "off", "after": "staff"},
            "grace_days": {"before": 7, "after": 3},
        }
        assert event.data == {"who": "staff", "grace_days": 3, "changed": changed}
        assert event.actor_label == "alice@example.net"


@pytest.mark.parametrize("days", ["-1", "91", "x", ""])
def test_senseless_grace_is_refused_at_its_field(browser: Browser, days: str) -> None:
    somebody(FRONT, "alice", is_staff=True, is_superuser=True)
    enter(browser, FRONT, "alice@example.net")
    add_app(browser, FRONT)
    form = {"who": "staff", "grace_days": days}
    page = browser.submit(f"{FRONT}/admin/accounts/signinpolicy/", form)
    assert page.status_code == 200
    assert "dm-field__error" in text_of(page)
    with schema_of("public"):
        assert not Event.objects.filter(type="sign_in_policy.changed").exists()


def test_an_owner_sees_who_has_a_factor_and_takes_the_list_along(
    browser: Browser, other_browser: Browser
) -> None:
    somebody(ACME, "alice", is_staff=True, is_superuser=True)
    somebody(ACME, "bob", is_staff=True)
    with schema_of("w_acme"):
        User.objects.filter(email="bob@example.net").update(name="=HYPERLINK(1)")
    enter(browser, ACME, "alice@example.net")
    add_app(browser, ACME)
    demand("w_acme", "staff", grace_days=5)
    page = text_of(browser.visit(f"{ACME}/admin/accounts/signinpolicy/"))
    assert "Authenticator app" in page
    assert "None, until" in page
    answer = browser.visit(f"{ACME}/admin/accounts/signinpolicy/people.csv")
    rows = list(csv.DictReader(io.StringIO(answer.content.decode())))
    assert [row["factors"] for row in rows] == ["authenticator app", "none"]
    assert rows[1]["name"] == "'=HYPERLINK(1)"
    assert rows[0]["signed_in_with"] == "password"
    assert rows[1]["deadline"]


def test_only_owners_set_the_policy_or_see_the_list(
    browser: Browser, other_browser: Browser
) -> None:
    somebody(ACME, "bob", is_staff=True)
    somebody(ACME, "carol")
    carol = somebody(ACME, "carol2")
    for name, refused in (("bob", 403), ("carol", 403)):
        one = Browser()
        enter(one, ACME, f"{name}@example.net")
        base = f"{ACME}/admin/accounts/signinpolicy"
        assert one.visit(f"{base}/people.csv").status_code == refused
        assert one.visit(f"{base}/").status_code == refused
        assert one.submit(f"{base}/", {"who": "off", "grace_days": 1}).status_code == refused
        assert one.submit(f"{base}/people/{carol.pk}/reset/").status_code == refused


def test_an_owner_takes_lost_factors_from_somebody(
    browser: Browser, other_browser: Browser
) -> None:
    somebody(ACME, "alice", is_staff=True, is_superuser=True)
    bob = somebody(ACME, "bob", is_staff=True)
    enter(other_browser, ACME, "bob@example.net")
    add_app(other_browser, ACME)
    enter(browser, ACME, "alice@example.net")
    page = browser.submit(f"{ACME}/admin/accounts/signinpolicy/people/{bob.pk}/reset/")
    assert "no second factor any more" in text_of(page)
    answer = other_browser.visit(f"{ACME}/accounts/security/", follow=False)
    assert answer.status_code == 302
    with schema_of("w_acme"):
        assert not Authenticator.objects.exists()
        removed = Event.objects.filter(type="user.factor_removed")
        assert {e.actor_label for e in removed} == {"alice@example.net"}
    page = browser.submit(f"{ACME}/admin/accounts/signinpolicy/people/{bob.pk}/reset/")
    assert "has no second factor" in text_of(page)


def test_a_member_s_grace_in_a_console_begins_with_the_first_entry(
    alice: Browser, northwind: Organisation, person: Callable[[str], User]
) -> None:
    demand("c_northwind", "staff", grace_days=7)
    with days_later(30):
        dora = person("dora")
        Membership.objects.create(organisation=northwind, user=dora.uuid, role="member")
        hers = Browser()
        hers.sign_in("dora@example.net", PASSWORD)
        assert hers.visit(f"{CONSOLE}/admin/").status_code == 200
    with days_later(38):
        late = Browser()
        late.sign_in("dora@example.net", PASSWORD)
        assert late.visit(f"{CONSOLE}/admin/").status_code == 403
