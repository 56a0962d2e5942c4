"""Signing in with an identity provider: who gets in, and how owners set it up."""

from typing import Any

import pytest
from allauth.socialaccount.models import SocialAccount

from apps.accounts.models import User
from apps.accounts.providers.models import IdentityProvider
from apps.accounts.providers.net import GuardedSession
from apps.accounts.providers.services import remove_provider, save_provider
from apps.core.exceptions import DomainError
from apps.events.actors import SYSTEM
from apps.events.models import Event
from apps.tenancy.kinds import schema_of
from dev.identity_provider import Provider
from tests.accounts.browser import Browser, text_of, way_out
from tests.accounts.conftest import PASSWORD
from tests.accounts.federating import SITES, nora, people, set_up, sign_in, visit_provider
from tests.accounts.people import (
    ACME,
    FRONT,
    SCHEMAS,
    add_app,
    confirm_password,
    enter,
    is_in,
    somebody,
)

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("commits")]


@SITES
def test_a_button_is_there_only_for_a_provider_that_is_on(
    browser: Browser, provider: Provider, site: str
) -> None:
    login = f"{site}/accounts/login/"
    assert "Hilltop Office" not in text_of(browser.visit(login))
    row = set_up(site, provider)
    page = text_of(browser.visit(f"{login}?next=/admin/"))
    assert "Continue with Hilltop Office" in page
    assert "next=%2Fadmin%2F" in page
    with schema_of(SCHEMAS[site]):
        row.is_on = False
        save_provider(row, secret=None, actor=SYSTEM)
    assert "Hilltop Office" not in text_of(browser.visit(login))
    assert browser.submit(f"{site}/accounts/oidc/office/login/").status_code == 404
    assert browser.visit(f"{site}/accounts/github/login/").status_code == 404


@SITES
def test_who_has_an_account_gets_into_it_when_the_domain_is_vouched_for(
    browser: Browser, provider: Provider, site: str
) -> None:
    nora(site)
    set_up(site, provider)
    assert sign_in(browser, site).status_code == 302
    assert is_in(browser, site)
    assert people(site) == ["nora@hilltop.example"]
    with schema_of(SCHEMAS[site]):
        event = Event.objects.filter(type="user.signed_in").latest("id")
    assert (event.data["by"], event.data["methods"]) == ("provider", ["fed"])


def test_a_provider_that_is_away_or_says_no(browser: Browser, provider: Provider) -> None:
    set_up(FRONT, provider)
    provider.knobs.refuses = True
    answer = sign_in(browser, FRONT)
    assert "cancelled" in text_of(browser.visit(answer["Location"]))
    provider.knobs.is_broken = True
    page = browser.submit(f"{FRONT}/accounts/oidc/office/login/")
    assert page.status_code == 401
    assert "did not work" in text_of(page)


def test_a_link_back_from_another_browser_is_refused(
    browser: Browser, other_browser: Browser, provider: Provider
) -> None:
    nora(FRONT)
    set_up(FRONT, provider)
    answer = browser.submit(f"{FRONT}/accounts/oidc/office/login/", follow=False)
    back = visit_provider(way_out(answer))
    assert other_browser.visit(back).status_code == 401
    assert not is_in(other_browser, FRONT)
    assert browser.visit(back, follow=False).status_code == 302
    assert browser.visit(back, follow=False).status_code == 401


@SITES
def test_unknown_people_come_in_only_where_the_owner_lets_them(
    browser: Browser, provider: Provider, site: str
) -> None:
    row = set_up(site, provider)
    page = sign_in(browser, site)
    assert page.status_code == 403
    assert "Nobody with your e-mail address is known here" in text_of(page)
    with schema_of(SCHEMAS[site]):
        row.creates_people = True
        save_provider(row, secret=None, actor=SYSTEM)
    assert sign_in(browser, site).status_code == 302
    assert is_in(browser, site)
    with schema_of(SCHEMAS[site]):
        made = User.objects.get(email="nora@hilltop.example")
        assert (made.name, made.is_staff, made.is_superuser) == ("Nora Lindqvist", False, False)
        assert not made.has_usable_password()


def test_a_provider_without_domains_opens_only_what_was_connected_by_hand(
    browser: Browser, other_browser: Browser, provider: Provider
) -> None:
    nora(FRONT)
    set_up(FRONT, provider, domains=[])
    page = sign_in(browser, FRONT)
    assert page.status_code == 403
    assert "Sign in as usual" in text_of(page)
    browser.submit(
        f"{FRONT}/accounts/login/",
        {"login": "nora@hilltop.example", "password": PASSWORD},
        follow=False,
    )
    confirm_password(browser, f"{FRONT}/accounts/2fa/app/add/")
    sign_in(browser, FRONT, process="connect")
    with schema_of("public"):
        assert SocialAccount.objects.get().user.email == "nora@hilltop.example"
    assert sign_in(other_browser, FRONT).status_code == 302
    assert is_in(other_browser, FRONT)


def test_a_second_factor_is_asked_for_after_a_provider_too(
    browser: Browser, other_browser: Browser, provider: Provider
) -> None:
    nora(FRONT)
    set_up(FRONT, provider)
    form = {"login": "nora@hilltop.example", "password": PASSWORD}
    browser.submit(f"{FRONT}/accounts/login/", form, follow=False)
    add_app(browser, FRONT)
    assert sign_in(other_browser, FRONT)["Location"] == "/accounts/2fa/authenticate/"
    assert not is_in(other_browser, FRONT)


def test_the_secret_is_encrypted_and_never_shown(browser: Browser, provider: Provider) -> None:
    somebody(FRONT, "alice", is_staff=True, is_superuser=True)
    enter(browser, FRONT, "alice@example.net")
    path = f"{FRONT}/admin/accounts/identityprovider"
    form = {
        "kind": "oidc",
        "name": "Hilltop Office",
        "key": "office",
        "client_id": provider.client_id,
        "client_secret": provider.client_secret,
        "issuer": provider.url,
        "domain_list": "Hilltop.example, @hilltop.net",
        "is_on": "on",
    }
    browser.submit(f"{path}/add/", form)
    with schema_of("public"):
        row = IdentityProvider.objects.get()
        kept = str(list(IdentityProvider.objects.values())) + str(list(Event.objects.values()))
    assert row.domains == ["hilltop.example", "hilltop.net"]
    assert provider.client_secret not in kept
    page = text_of(browser.visit(f"{path}/{row.pk}/change/"))
    assert provider.client_secret not in page
    assert f"{FRONT}/accounts/oidc/office/login/callback/" in page
    browser.submit(f"{path}/{row.pk}/change/", {**form, "client_secret": "", "name": "Office"})
    nora(FRONT)
    assert sign_in(Browser(), FRONT).status_code == 302


def test_only_owners_see_providers(browser: Browser) -> None:
    somebody(ACME, "bob", is_staff=True)
    enter(browser, ACME, "bob@example.net")
    for what in ("", "add/"):
        page = browser.visit(f"{ACME}/admin/accounts/identityprovider/{what}")
        assert page.status_code == 403


@pytest.mark.parametrize(
    ("field", "changes"),
    [
        ("issuer", {"issuer": ""}),
        (
            "issuer",
            {"kind": "microsoft", "issuer": "https://login.microsoftonline.com/common/v2.0"},
        ),
        (
            "issuer",
            {
                "kind": "microsoft",
                "issuer": "https://login.microsoftonline.com/9188040d-6c67-4c5b-b112-36a304b66dad/v2.0",
            },
        ),
        ("client_id", {"client_id": ""}),
        ("domains", {"domains": [], "creates_people": True}),
        ("key", {"key": "github"}),
    ],
)
def test_what_cannot_work_or_opens_too_much_is_refused(
    provider: Provider, field: str, changes: dict[str, Any]
) -> None:
    with pytest.raises(DomainError) as refused:
        set_up(FRONT, provider, **changes)
    assert refused.value.field == field


def test_removing_a_provider_removes_its_links_and_no_people(
    browser: Browser, provider: Provider
) -> None:
    nora(FRONT)
    row = set_up(FRONT, provider)
    sign_in(browser, FRONT)
    with schema_of("public"):
        remove_provider(row, actor=SYSTEM)
        assert not SocialAccount.objects.exists()
        assert Event.objects.get(type="identity_provider.removed").data["links"] == 1
    assert people(FRONT) == ["nora@hilltop.example"]


@pytest.mark.parametrize("url", ["http://192.0.2.1/", "https://127.0.0.1:1/", "https://localhost/"])
def test_in_production_no_address_of_our_own_network_is_asked(settings: Any, url: str) -> None:
    settings.DEVELOPMENT = False
    with pytest.raises(OSError, match="https|public"):
        GuardedSession().get(url)
