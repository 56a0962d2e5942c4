"""Signing in by SAML with an identity provider, which may be wrong or lie: a real one over HTTP."""

import re
from collections.abc import Callable, Iterator
from typing import Any
from urllib.request import urlopen

import pytest
from allauth.socialaccount.models import SocialAccount
from django.http import HttpResponse

from apps.accounts.models import User
from apps.accounts.providers.models import IdentityProvider
from apps.accounts.providers.services import save_provider
from apps.core.exceptions import DomainError
from apps.events.actors import SYSTEM
from apps.events.models import Event
from apps.tenancy.kinds import schema_of
from apps.work.models import Due
from dev.saml_provider import Provider
from tests.accounts.browser import Browser, text_of, way_out
from tests.accounts.people import ACME, FRONT, SCHEMAS, enter, is_in, somebody

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("commits")]
SITES = pytest.mark.parametrize("site", [FRONT, ACME])
RunDue = Callable[[], list[str]]


@pytest.fixture
def provider() -> Iterator[Provider]:
    """Hilltop's identity provider."""
    with Provider() as running:
        yield running


def set_up(site: str, provider: Provider, **changes: Any) -> IdentityProvider:
    """The provider as an owner set it up at a site."""
    known = {"kind": "saml", "key": "office", "name": "Hilltop Office"}
    given = {"metadata": provider.metadata(), "domains": ["hilltop.example"]}
    row = IdentityProvider(**{**known, **given, **changes})
    with schema_of(SCHEMAS[site]):
        save_provider(row, secret=None, actor=SYSTEM)
    return row


def nora(site: str, name: str = "nora") -> User:
    user = somebody(site, name)
    with schema_of(SCHEMAS[site]):
        User.objects.filter(pk=user.pk).update(email=f"{name}@hilltop.example")
        user.emailaddress_set.update(email=f"{name}@hilltop.example")
    return user


def fetch_answer(browser: Browser, site: str) -> tuple[str, str]:
    """Through the button to the provider; where the browser is to post what."""
    leave = browser.submit(f"{site}/accounts/saml/office/login/?process=login", follow=False)
    with urlopen(way_out(leave)) as page:
        form = page.read().decode()
    return re.findall(r'action="([^"]+)"', form)[0], re.findall(r'value="([^"]+)"', form)[0]


def sign_in(browser: Browser, site: str) -> HttpResponse:
    """Through the button, to the provider and back; the page or redirect at the end."""
    acs, response = fetch_answer(browser, site)
    back = browser.submit(acs, {"SAMLResponse": response}, follow=False)
    assert back["Location"].endswith("/acs/finish/")
    return browser.visit(back["Location"], follow=False)


@SITES
def test_who_has_an_account_gets_into_it(browser: Browser, provider: Provider, site: str) -> None:
    nora(site)
    set_up(site, provider)
    assert "Continue with Hilltop Office" in text_of(browser.visit(f"{site}/accounts/login/"))
    assert sign_in(browser, site).status_code == 302
    assert is_in(browser, site)
    with schema_of(SCHEMAS[site]):
        assert SocialAccount.objects.get().uid == "nora-17"
        event = Event.objects.filter(type="user.signed_in").latest("id")
    assert (event.data["by"], event.data["methods"]) == ("provider", ["fed"])


def test_an_answer_signed_as_a_whole_is_not_enough(browser: Browser, provider: Provider) -> None:
    nora(FRONT)
    set_up(FRONT, provider)
    provider.knobs.signs = "response"
    assert sign_in(browser, FRONT).status_code == 401


@pytest.mark.parametrize(
    "wrong",
    [
        {"signs": "nothing"},
        {"is_signed_by_stranger": True},
        {"digest": "sha1"},
        {"lasts_s": -120},
        {"is_unasked": True},
        {"changes": {"audience": "https://another.example"}},
        {"changes": {"recipient": "https://another.example/acs/"}},
        {"changes": {"acs": "https://another.example/acs/"}},
        {"changes": {"issuer": "https://another.example"}},
        # Stolen from what a provider began by itself: only the unsigned part names our request.
        {"changes": {"signed_answers": ""}},
        {"changes": {"signed_answers": ' InResponseTo="another"'}},
        {"wraps": "first"},
        {"wraps": "last"},
        {"wraps": "around"},
        {"wraps": "wrapper"},
        {"wraps": "same-id"},
    ],
    ids=str,
)
def test_what_is_not_signed_for_us_here_and_now_is_refused(
    browser: Browser, provider: Provider, wrong: dict[str, Any]
) -> None:
    nora(FRONT)
    nora(FRONT, "victim")
    set_up(FRONT, provider)
    for name, value in wrong.items():
        setattr(provider.knobs, name, value)
    page = sign_in(browser, FRONT)
    assert page.status_code == 401
    assert "did not work" in text_of(page)
    assert not is_in(browser, FRONT)


@pytest.mark.parametrize(
    "person",
    [
        {"email": "nora@elsewhere.example"},
        {"email": "nora@hilltop.example.evil.example"},
        {"email": "nora@hilltop.example@evil.example"},
        {"email": "nora@elsewhere.example", "http://schemas.auth0.com/email_verified": "true"},
        {"displayName": "Nora"},
    ],
    ids=str,
)
def test_an_address_that_nobody_vouched_for_opens_nothing(
    browser: Browser, provider: Provider, person: dict[str, str]
) -> None:
    nora(FRONT)
    set_up(FRONT, provider, creates_people=True)
    provider.knobs.person = person
    assert sign_in(browser, FRONT).status_code in (401, 403)
    assert not is_in(browser, FRONT)
    with schema_of("public"):
        assert User.objects.count() == 1


def test_an_answer_is_good_once_and_in_one_browser(
    browser: Browser, other_browser: Browser, provider: Provider
) -> None:
    nora(FRONT)
    set_up(FRONT, provider)
    acs, response = fetch_answer(browser, FRONT)
    fetch_answer(other_browser, FRONT)
    for thief in (other_browser, browser, browser):
        back = thief.submit(acs, {"SAMLResponse": response}, follow=False)
        thief.visit(back["Location"], follow=False)
        if thief is browser:
            break
    assert not is_in(other_browser, FRONT)
    assert is_in(browser, FRONT)
    back = browser.submit(acs, {"SAMLResponse": response}, follow=False)
    assert browser.visit(back["Location"], follow=False).status_code == 401


@pytest.mark.parametrize("said", ["", "x", "PHg+", "PCFET0NUWVBFIHggW108eC8+", "!" * 300_000])
def test_what_is_no_answer_at_all_is_refused(
    browser: Browser, provider: Provider, said: str
) -> None:
    set_up(FRONT, provider)
    back = browser.submit(
        f"{FRONT}/accounts/saml/office/acs/", {"SAMLResponse": said}, follow=False
    )
    assert browser.visit(back["Location"], follow=False).status_code == 401


def test_metadata_is_fetched_by_a_worker_and_daily(
    browser: Browser, provider: Provider, run_due: RunDue
) -> None:
    nora(FRONT)
    row = set_up(FRONT, provider, metadata="", metadata_url=f"{provider.url}/metadata")
    assert browser.submit(f"{FRONT}/accounts/saml/office/login/").status_code == 401
    run_due()
    assert sign_in(browser, FRONT).status_code == 302
    with schema_of("public"):
        assert Event.objects.filter(type="identity_provider.metadata_changed").count() == 1
        assert Due.objects.get(kind="saml.metadata").state == "waiting"
        row.refresh_from_db()
        row.metadata_url = f"{provider.url}/nothing"
        save_provider(row, secret=None, actor=SYSTEM)
        run_due()
        row.refresh_from_db()
    assert "was not fetched" in row.metadata_error
    assert "IDPSSODescriptor" in row.metadata


def test_this_service_says_what_a_provider_must_know(browser: Browser, provider: Provider) -> None:
    set_up(ACME, provider)
    said = browser.visit(f"{ACME}/accounts/saml/office/metadata/").content.decode()
    assert f'entityID="{ACME}/accounts/saml/office/metadata/"' in said
    assert f'Location="{ACME}/accounts/saml/office/acs/"' in said
    assert 'WantAssertionsSigned="true"' in said
    assert browser.visit(f"{FRONT}/accounts/saml/office/metadata/").status_code == 404


@pytest.mark.parametrize(
    ("field", "changes"),
    [
        ("metadata_url", {"metadata": ""}),
        ("metadata", {"metadata": "<x/>"}),
        ("metadata", {"metadata": "none"}),
        ("domains", {"domains": []}),
    ],
)
def test_what_cannot_work_is_refused(
    provider: Provider, field: str, changes: dict[str, Any]
) -> None:
    with pytest.raises(DomainError) as refused:
        set_up(FRONT, provider, **changes)
    assert refused.value.field == field


def test_an_owner_sets_it_up_in_the_admin(browser: Browser, provider: Provider) -> None:
    somebody(FRONT, "alice", is_staff=True, is_superuser=True)
    enter(browser, FRONT, "alice@example.net")
    path = f"{FRONT}/admin/accounts/identityprovider"
    form = {
        "kind": "saml",
        "name": "Hilltop Office",
        "key": "office",
        "metadata": provider.metadata(),
        "domain_list": "hilltop.example",
        "is_on": "on",
    }
    browser.submit(f"{path}/add/", form)
    with schema_of("public"):
        row = IdentityProvider.objects.get()
    page = text_of(browser.visit(f"{path}/{row.pk}/change/"))
    assert f"{FRONT}/accounts/saml/office/acs/" in page
    assert f"{FRONT}/accounts/saml/office/metadata/" in page
    assert "Client secret" not in page
    nora(FRONT)
    assert sign_in(Browser(), FRONT).status_code == 302
