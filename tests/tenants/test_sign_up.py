"""An ISP signs up: five steps, a mail, and it stands in its console."""

import re
from collections.abc import Callable

import pytest
from django.conf import settings
from django.core.cache import cache
from django.db import connection

from apps.accounts.models import User
from apps.billing.services import OfferedPlan
from apps.core import mailbox
from apps.core.exceptions import ConflictError
from apps.events.models import Event
from apps.fleet.models import Region
from apps.tenancy.kinds import operator, schema_of
from apps.tenancy.models import Tenant
from apps.tenants import registry
from apps.tenants.models import Membership, Organisation
from tests.accounts.browser import Browser, person_in, text_of
from tests.accounts.conftest import PASSWORD

FRONT = f"http://{settings.BASE_DOMAIN}:8000"
ALICE = {"email": "Alice@Example.net", "password": PASSWORD}
PLACE = {
    "country": "SE",
    "currency": "SEK",
    "timezone": "Europe/Stockholm",
    "region": "local",
}


def link_in_mail(browser: Browser, subject: str = "Confirm your e-mail address") -> str:
    """The link of the newest mail, read in the development mailbox."""
    listing = text_of(browser.visit(f"{FRONT}/dev/mail/"))
    newest = re.search(rf'href="(/dev/mail/[^"]+)"[^>]*>{subject}', listing)
    assert newest, listing
    mail = text_of(browser.visit(newest[1]))
    found = re.search(r'href="(http[^"]+/accounts/[^"]+)"', mail)
    assert found, mail
    return found[1]


def confirm_account(browser: Browser) -> None:
    """Steps 1 and 2 in one browser."""
    browser.submit(f"{FRONT}/signup/account/", ALICE)
    browser.visit(link_in_mail(browser))


def key_in(page: str) -> str:
    """The idempotency key in the form of the last step."""
    found = re.search(r'name="idempotency_key" value="([^"]+)"', page)
    assert found, page
    return found[1]


def answer_until_plan(browser: Browser, slug: str = "northwind") -> str:
    """Steps 3 and 4; returns the key of the last step's form."""
    browser.submit(f"{FRONT}/signup/organisation/", {"name": "Northwind Fiber", "slug": slug})
    page = browser.submit(f"{FRONT}/signup/place/", PLACE)
    assert browser.address == f"{FRONT}/signup/plan/", text_of(page)
    return key_in(page.content.decode())


@pytest.mark.django_db
def test_the_whole_story_ends_signed_in_in_the_console(market: None, browser: Browser) -> None:
    front = text_of(browser.visit(f"{FRONT}/"))
    assert "Starter" in front
    assert "/signup/?plan=business" in front
    assert "Create your account" in text_of(browser.visit("/signup/?plan=starter"))
    waiting = text_of(browser.submit("/signup/account/", ALICE))
    assert browser.address == f"{FRONT}/signup/verify/"
    assert "alice@example.net" in waiting.lower()
    assert "/dev/mail/" in waiting
    assert browser.visit("/signup/verify/check/").status_code == 204

    link = link_in_mail(browser)
    assert link.startswith(f"{FRONT}/accounts/confirm-email/")
    assert "gave this address to DotMac." in mailbox.messages()[0]["text"]
    browser.visit(link)
    assert browser.address == f"{FRONT}/signup/organisation/"

    key = answer_until_plan(browser)
    answer = browser.submit(
        "/signup/plan/", {"plan": "starter", "idempotency_key": key}, follow=False
    )
    console = f"http://northwind.{settings.BASE_DOMAIN}:8000"
    assert answer["Location"] == f"{console}/sso/login/?next=/admin/"
    browser.visit(answer["Location"], follow=False)
    browser.visit(browser.page["Location"], follow=False)
    assert browser.page["Location"].startswith(f"{console}/sso/enter/?token=")
    browser.visit(browser.page["Location"], follow=False)
    assert browser.page["Location"] == "/admin/"
    host = f"northwind.{settings.BASE_DOMAIN}"
    assert person_in(browser, host, "c_northwind") == "alice@example.net"


@pytest.mark.django_db
def test_a_shared_plan_has_console_and_workspace_with_the_owner_in_both(
    market: None, browser: Browser
) -> None:
    confirm_account(browser)
    key = answer_until_plan(browser)
    browser.submit("/signup/plan/", {"plan": "starter", "idempotency_key": key}, follow=False)
    with operator():
        alice = User.objects.get(email="alice@example.net")
        made = Organisation.objects.get(slug="northwind")
        assert Membership.objects.get(organisation=made).user == alice.uuid
        assert (made.owner, made.email) == (alice.uuid, alice.email)
        assert made.trial_ends_at is not None
        assert (made.trial_ends_at - made.created_at).days in (13, 14)
        assert made.console.domains.get().domain == f"northwind.{settings.BASE_DOMAIN}"
        assert made.workspace.domains.get().domain == f"northwind.{settings.APPS_DOMAIN}"
        assert made.workspace.is_local
        event = Event.objects.get(type="organisation.created")
        assert event.data == {"slug": "northwind", "plan": "starter", "region": "local"}
        assert event.actor_id == str(alice.uuid)
    for schema in ("c_northwind", "w_northwind"):
        with schema_of(schema):
            owner = User.objects.get()
            assert owner.identity == alice.uuid
            assert owner.is_staff
            assert owner.is_superuser
            assert not owner.has_usable_password()


@pytest.mark.django_db
def test_a_dedicated_plan_has_an_address_but_no_workspace_schema_here(
    market: None, browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(registry, "_callbacks", [])
    confirm_account(browser)
    key = answer_until_plan(browser)
    browser.submit("/signup/plan/", {"plan": "business", "idempotency_key": key}, follow=False)
    with operator():
        made = Organisation.objects.get(slug="northwind")
        assert not made.workspace.is_local
        assert made.workspace.domains.get().domain == f"northwind.{settings.APPS_DOMAIN}"
        with connection.cursor() as cursor:
            cursor.execute("SELECT nspname FROM pg_namespace WHERE nspname LIKE '__northwind'")
            assert cursor.fetchall() == [("c_northwind",)]


@pytest.mark.django_db
def test_what_is_registered_for_new_consoles_runs_inside_them(
    market: None, browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[tuple[str, str, str]] = []
    monkeypatch.setattr(registry, "_callbacks", [])
    registry.when_console_is_made(
        lambda made, plan: calls.append((connection.schema_name, made.slug, plan.key))
    )
    confirm_account(browser)
    key = answer_until_plan(browser)
    browser.submit("/signup/plan/", {"plan": "business", "idempotency_key": key}, follow=False)
    assert calls == [("c_northwind", "northwind", "business")]


@pytest.mark.django_db
def test_when_one_part_fails_nothing_is_left(
    market: None, browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(made: Organisation, plan: OfferedPlan) -> None:
        raise ConflictError("Quota of the test.")

    monkeypatch.setattr(registry, "_callbacks", [fail])
    confirm_account(browser)
    key = answer_until_plan(browser)
    browser.submit("/signup/plan/", {"plan": "starter", "idempotency_key": key})
    assert "Quota of the test." in text_of(browser.page)
    with operator():
        assert not Organisation.objects.exists()
        assert not Tenant.objects.filter(slug="northwind").exists()
        with connection.cursor() as cursor:
            cursor.execute("SELECT nspname FROM pg_namespace WHERE nspname LIKE '__northwind'")
            assert cursor.fetchall() == []


@pytest.mark.django_db
def test_each_step_out_of_order_leads_to_the_first_missing_one(
    market: None, browser: Browser
) -> None:
    for step in ("verify", "organisation", "place", "plan"):
        browser.visit(f"{FRONT}/signup/{step}/")
        assert browser.address == f"{FRONT}/signup/account/"
    browser.submit("/signup/account/", ALICE)
    for step in ("organisation", "place", "plan"):
        browser.visit(f"/signup/{step}/")
        assert browser.address == f"{FRONT}/signup/verify/"
    browser.visit(link_in_mail(browser))
    for step in ("account", "verify", "place", "plan"):
        browser.visit(f"/signup/{step}/")
        assert browser.address == f"{FRONT}/signup/organisation/"


@pytest.mark.django_db
def test_back_keeps_every_answer(market: None, browser: Browser) -> None:
    browser.visit(f"{FRONT}/signup/?plan=enterprise")
    confirm_account(browser)
    answer_until_plan(browser)
    assert re.search(r'value="enterprise" required checked', text_of(browser.page))
    place = text_of(browser.visit("/signup/place/"))
    for name, value in PLACE.items():
        is_typed = name == "timezone"
        shown = f'name="{name}" value="{value}"' if is_typed else f'value="{value}" selected'
        assert shown in place
    organisation = text_of(browser.visit("/signup/organisation/"))
    assert 'value="Northwind Fiber"' in organisation
    assert 'value="northwind"' in organisation


@pytest.mark.django_db
def test_an_unverified_address_gets_no_further(market: None, browser: Browser) -> None:
    browser.submit(f"{FRONT}/signup/account/", ALICE)
    browser.submit("/signup/plan/", {"plan": "starter"})
    assert browser.address == f"{FRONT}/signup/verify/"
    browser.sign_in("alice@example.net", PASSWORD)
    assert "Check your mail" in text_of(browser.page)
    browser.visit("/organisations/")
    assert "/accounts/login/" in browser.address
    with operator():
        assert not Organisation.objects.exists()


@pytest.mark.django_db
def test_the_waiting_page_goes_on_when_the_link_is_opened_on_another_device(
    market: None, browser: Browser, other_browser: Browser
) -> None:
    browser.submit(f"{FRONT}/signup/account/", ALICE)
    other_browser.visit(link_in_mail(other_browser))
    assert other_browser.address == f"{FRONT}/accounts/login/"
    answer = browser.visit("/signup/verify/check/")
    assert answer["HX-Redirect"] == "/signup/organisation/"
    assert "Your organisation" in text_of(browser.visit(answer["HX-Redirect"]))


@pytest.mark.django_db
def test_a_page_that_waits_while_another_tab_signs_in_keeps_place_and_cookie(
    market: None, browser: Browser, other_browser: Browser
) -> None:
    browser.submit(f"{FRONT}/signup/account/", ALICE)
    host, name = settings.BASE_DOMAIN, settings.SESSION_COOKIE_NAME
    # What the waiting page sends along, though the other tab has another session by then.
    other_browser.client(host).cookies[name] = browser.client(host).cookies[name].value
    browser.visit(link_in_mail(browser))
    assert browser.address == f"{FRONT}/signup/organisation/"
    answer = other_browser.visit(f"{FRONT}/signup/verify/check/", **{"hx-request": "true"})
    assert answer.status_code == 204
    assert "HX-Redirect" not in answer
    assert name not in answer.cookies


@pytest.mark.django_db
def test_a_wrong_address_can_be_changed_while_waiting(market: None, browser: Browser) -> None:
    browser.submit(f"{FRONT}/signup/account/", {**ALICE, "email": "typo@example.net"})
    browser.submit("/signup/account/", ALICE)
    assert "alice@example.net" in text_of(browser.page)
    with operator():
        assert [user.email for user in User.objects.all()] == ["alice@example.net"]
    browser.submit("/signup/account/", {**ALICE, "password": "another one for winter"})
    browser.visit(link_in_mail(browser))
    assert browser.address == f"{FRONT}/signup/organisation/"
    with operator():
        assert User.objects.get().check_password("another one for winter")


@pytest.mark.django_db
def test_sign_up_does_not_tell_whether_an_address_has_an_account(
    market: None, browser: Browser, other_browser: Browser
) -> None:
    confirm_account(browser)
    cache.clear()  # one mail in three minutes for each address
    page = other_browser.submit(f"{FRONT}/signup/account/", ALICE)
    assert other_browser.address == f"{FRONT}/signup/verify/"
    assert "We sent a link to" in text_of(page)
    assert mailbox.messages()[0]["subject"] == "You have an account already"
    assert other_browser.visit("/signup/verify/check/").status_code == 204
    with operator():
        assert User.objects.count() == 1


@pytest.mark.django_db
@pytest.mark.parametrize("password", ["short", "password123", "1234567890"])
def test_a_weak_password_is_refused_at_its_field(
    market: None, browser: Browser, password: str
) -> None:
    page = browser.submit(f"{FRONT}/signup/account/", {**ALICE, "password": password})
    assert page.status_code == 200
    assert 'id="id_password_error"' in text_of(page)
    with operator():
        assert not User.objects.exists()


@pytest.mark.django_db
def test_the_country_fills_in_currency_and_time_zone(market: None, browser: Browser) -> None:
    confirm_account(browser)
    browser.submit("/signup/organisation/", {"name": "Northwind", "slug": "northwind"})
    page = text_of(browser.visit("/signup/place/", **{"Accept-Language": "en-KE"}))
    assert 'value="KE" selected' in page
    assert 'value="KES" selected' in page
    filled = text_of(browser.visit("/signup/place/defaults/?country=AU&timezone=Asia/Tokyo"))
    assert 'value="AUD" selected' in filled
    assert 'name="timezone" value="Australia/Sydney"' in filled
    for typed, shown in (
        ("America/Denver", "America/Denver"),
        ("america/new york", "America/New York"),
    ):
        page = browser.visit(f"/signup/place/defaults/?country=US&timezone={typed}")
        assert f'name="timezone" value="{shown}"' in text_of(page)
    refused = browser.submit("/signup/place/", PLACE | {"timezone": "Mars/Olympus"})
    assert "Mars/Olympus is not one of the available choices." in text_of(refused)


@pytest.mark.django_db
def test_a_region_that_closed_meanwhile_is_an_error_at_its_field(
    market: None, browser: Browser
) -> None:
    confirm_account(browser)
    page = text_of(browser.submit("/signup/organisation/", {"name": "N", "slug": "northwind"}))
    assert "This machine" in page
    assert "Closed region" not in page
    key = key_in(browser.submit("/signup/place/", PLACE).content.decode())
    with operator():
        Region.objects.update(is_open=False)
    page = text_of(browser.submit("/signup/plan/", {"plan": "starter", "idempotency_key": key}))
    assert browser.address == f"{FRONT}/signup/place/?check=1"
    assert 'id="id_region_error"' in page


@pytest.mark.django_db
def test_the_same_form_sent_again_later_leads_to_the_same_organisation(
    market: None, browser: Browser
) -> None:
    confirm_account(browser)
    key = answer_until_plan(browser)
    sent = {"plan": "starter", "idempotency_key": key}
    first = browser.submit("/signup/plan/", sent, follow=False)["Location"]
    assert browser.submit(f"{FRONT}/signup/plan/", sent, follow=False)["Location"] == first
    with operator():
        assert Organisation.objects.count() == 1


@pytest.mark.django_db
def test_one_with_an_organisation_goes_straight_in_after_log_in(
    northwind: Organisation, other_browser: Browser
) -> None:
    other_browser.sign_in("alice@example.net", PASSWORD)
    host = f"northwind.{settings.BASE_DOMAIN}"
    assert other_browser.address.startswith(f"http://{host}:8000/admin/")
    assert person_in(other_browser, host, "c_northwind") == "alice@example.net"
    page = text_of(other_browser.visit(f"{FRONT}/organisations/"))
    assert f"http://{host}:8000/sso/login/?next=/admin/" in page


@pytest.mark.django_db
def test_one_without_an_organisation_goes_to_sign_up(
    person: Callable[[str], User], browser: Browser
) -> None:
    person("bob")
    browser.sign_in("bob@example.net", PASSWORD)
    assert browser.address == f"{FRONT}/signup/organisation/"


@pytest.mark.django_db
@pytest.mark.parametrize("host", ["acme.dotmac.localhost", "acme.apps.localhost"])
def test_nobody_signs_up_at_a_console_or_workspace(db: None, browser: Browser, host: str) -> None:
    for path in ("/signup/", "/signup/account/", "/accounts/signup/"):
        page = browser.submit(f"https://{host}:8443{path}", {**ALICE, "password1": PASSWORD})
        assert page.status_code == 404 or "Sign-up is closed" in text_of(page)
    for schema in ("public", "c_acme", "w_acme"):
        with schema_of(schema):
            assert not User.objects.exists()


def test_the_front_page_of_allauth_s_sign_up_is_ours(db: None, browser: Browser) -> None:
    browser.visit(f"{FRONT}/accounts/signup/")
    assert browser.address == f"{FRONT}/signup/account/"
