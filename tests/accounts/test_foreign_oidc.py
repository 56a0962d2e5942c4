"""Signing in by OpenID Connect with LemonLDAP::NG, which many organisations run."""

from collections.abc import Iterator
from typing import Any

import pytest
from allauth.socialaccount.models import SocialAccount
from django.http import HttpResponse

from apps.accounts.models import User
from apps.events.models import Event
from apps.tenancy.kinds import schema_of
from tests.accounts.browser import Browser, text_of, way_out
from tests.accounts.federating import SITES, nora, people
from tests.accounts.lemonldap import CLIENT, MALLORY, NORA, SECRET, UNPROVEN, LemonLdap
from tests.accounts.people import ACME, FRONT, SCHEMAS, enter, is_in, somebody
from tests.accounts.visitor import Visitor

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("commits")]
_OPTION = "oidcRPMetaDataOptions"


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LemonLdap]:
    """Hilltop's own identity provider."""
    provider = LemonLdap(tmp_path_factory.mktemp("lemonldap"))
    try:
        provider.start()
        yield provider
    finally:
        provider.stop()


@pytest.fixture
def altered(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LemonLdap]:
    """Another one, which a test configures and starts by itself."""
    provider = LemonLdap(tmp_path_factory.mktemp("lemonldap"))
    try:
        yield provider
    finally:
        provider.stop()


def set_up(site: str, provider: LemonLdap, **entered: str) -> None:
    """What an owner enters in the admin."""
    browser = Browser()
    somebody(site, "alice", is_staff=True, is_superuser=True)
    enter(browser, site, "alice@example.net")
    form = {
        "kind": "oidc",
        "name": "Hilltop Office",
        "key": "office",
        "client_id": CLIENT,
        "client_secret": SECRET,
        "issuer": f"{provider.url}/",
        "domain_list": "hilltop.example",
        "is_on": "on",
        **entered,
    }
    page = browser.submit(f"{site}/admin/accounts/identityprovider/add/", form)
    assert "office" in text_of(page)


def at_the_provider(browser: Browser, site: str, provider: LemonLdap, name: str = NORA) -> str:
    """From the sign-in page through the provider's log-in form; where it sends the browser."""
    assert "Continue with Hilltop Office" in text_of(browser.visit(f"{site}/accounts/login/"))
    there = Visitor(provider.url)
    leave = browser.submit(f"{site}/accounts/oidc/office/login/?process=login", follow=False)
    log_in = there.open(way_out(leave))
    back = there.submit(log_in, user=name, password=name)
    assert back.headers.get("location", "").startswith(site), back.text
    return back.headers["location"]


def sign_in(browser: Browser, site: str, provider: LemonLdap, name: str = NORA) -> HttpResponse:
    return browser.visit(at_the_provider(browser, site, provider, name), follow=False)


@SITES
def test_nora_gets_in_by_the_log_in_form_of_her_office(
    browser: Browser, running: LemonLdap, site: str
) -> None:
    """Who tells her address by userinfo alone."""
    nora(site)
    set_up(site, running)
    page = sign_in(browser, site, running)
    assert page.status_code == 302, text_of(page)
    assert is_in(browser, site)
    with schema_of(SCHEMAS[site]):
        assert SocialAccount.objects.get().uid == NORA
        event = Event.objects.filter(type="user.signed_in").latest("id")
    assert (event.data["by"], event.data["methods"]) == ("provider", ["fed"])


def test_somebody_new_gets_an_account_by_the_name_that_is_told(
    browser: Browser, running: LemonLdap
) -> None:
    set_up(ACME, running, creates_people="on")
    assert sign_in(browser, ACME, running).status_code == 302
    with schema_of("w_acme"):
        made = User.objects.get(email="nora@hilltop.example")
    assert (made.name, made.is_staff) == ("Nora Lindqvist", False)


@pytest.mark.parametrize("name", [MALLORY, UNPROVEN])
def test_an_unproven_or_foreign_address_opens_nothing(
    browser: Browser, running: LemonLdap, name: str
) -> None:
    nora(FRONT)
    nora(FRONT, email="root@elsewhere.example")
    set_up(FRONT, running, creates_people="on")
    before = people(FRONT)
    assert sign_in(browser, FRONT, running, name).status_code == 403
    assert not is_in(browser, FRONT)
    assert people(FRONT) == before


def test_a_code_is_good_for_the_sign_in_that_it_was_given_for_and_once(
    browser: Browser, other_browser: Browser, running: LemonLdap
) -> None:
    nora(FRONT)
    set_up(FRONT, running)
    first = at_the_provider(browser, FRONT, running)
    second = at_the_provider(other_browser, FRONT, running)
    stolen = _with_code_of(second, first)
    assert other_browser.visit(stolen, follow=False).status_code == 401
    assert not is_in(other_browser, FRONT)
    back = at_the_provider(browser, FRONT, running)
    assert browser.visit(back, follow=False).status_code == 302
    again = at_the_provider(other_browser, FRONT, running)
    assert other_browser.visit(_with_code_of(again, back), follow=False).status_code == 401
    assert not is_in(other_browser, FRONT)


def _with_code_of(back: str, other: str) -> str:
    """The way back of one sign-in with another's code."""
    mine, theirs = (one.partition("code=")[2].partition("&")[0] for one in (back, other))
    return back.replace(mine, theirs)


@pytest.mark.parametrize(
    "option",
    [
        {f"{_OPTION}IDTokenSignAlg": "none"},
        # By the client's secret, which is no key of the provider's.
        {f"{_OPTION}IDTokenSignAlg": "HS256"},
        {f"{_OPTION}UserInfoSignAlg": "RS256"},
    ],
    ids=["unsigned", "by the secret", "userinfo as a token"],
)
def test_what_it_may_be_told_to_do_that_is_not_believed(
    browser: Browser, altered: LemonLdap, option: dict[str, Any]
) -> None:
    altered.options = option
    altered.start()
    nora(FRONT)
    set_up(FRONT, altered)
    page = sign_in(browser, FRONT, altered)
    assert page.status_code == 401
    assert "did not work" in text_of(page)
    assert not is_in(browser, FRONT)


@pytest.mark.parametrize(
    "option",
    [
        {f"{_OPTION}IDTokenForceClaims": 1},
        {f"{_OPTION}IDTokenSignAlg": "RS512"},
    ],
    ids=["the token says it all", "sha512"],
)
def test_what_it_may_be_told_to_do_and_still_works(
    browser: Browser, altered: LemonLdap, option: dict[str, Any]
) -> None:
    altered.options = option
    altered.start()
    nora(FRONT)
    set_up(FRONT, altered)
    assert sign_in(browser, FRONT, altered).status_code == 302
    assert is_in(browser, FRONT)


def test_a_new_key_counts_once_it_is_published_and_an_issuer_stays_the_same(
    browser: Browser, other_browser: Browser, altered: LemonLdap
) -> None:
    altered.start()
    nora(FRONT)
    set_up(FRONT, altered)
    altered.roll_key(tells=False)
    assert sign_in(browser, FRONT, altered).status_code == 401
    assert not is_in(browser, FRONT)
    altered.roll_key(tells=True)
    assert sign_in(browser, FRONT, altered).status_code == 302
    assert is_in(browser, FRONT)
    altered.issuer = "https://sso.elsewhere.example/"
    altered.restart()
    page = other_browser.submit(f"{FRONT}/accounts/oidc/office/login/?process=login")
    assert page.status_code == 401
    assert "did not work" in text_of(page)
