"""Signing in by SAML with SimpleSAMLphp, which many organisations run: its forms, its answers."""

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from allauth.socialaccount.models import SocialAccount
from django.http import HttpResponse

from apps.accounts.models import User
from apps.accounts.providers.models import IdentityProvider
from apps.events.models import Event
from apps.tenancy.kinds import schema_of
from tests.accounts.browser import Browser, text_of, way_out
from tests.accounts.federating import SITES, nora, people
from tests.accounts.people import ACME, FRONT, SCHEMAS, enter, is_in, somebody
from tests.accounts.simplesaml import PASSWORD, SimpleSaml
from tests.accounts.visitor import Visitor, form_of

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("commits")]
RunDue = Callable[[], list[str]]
_URI = "urn:oasis:names:tc:SAML:2.0:attrname-format:uri"
_PERSISTENT = "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent"
_EMAIL = "urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress"
_MORE = "http://www.w3.org/2001/04/xmldsig-more"


def _filter(name: str, first: str = "", **options: str) -> dict[str, Any]:
    """One step of the provider's on the way of its answer."""
    return {"1": {"class": name, **({"0": first} if first else {}), **options}}


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SimpleSaml]:
    """Hilltop's own identity provider."""
    provider = SimpleSaml(tmp_path_factory.mktemp("simplesaml"))
    try:
        provider.start()
        yield provider
    finally:
        provider.stop()


@pytest.fixture
def foreign(running: SimpleSaml) -> SimpleSaml:
    """The same, which has forgotten what it was told before."""
    running.reset()
    return running


def set_up(site: str, foreign: SimpleSaml, *, by: str = "metadata_url", **entered: str) -> None:
    """What an owner enters in the admin, and what the provider's administrator takes over."""
    browser = Browser()
    somebody(site, "alice", is_staff=True, is_superuser=True)
    enter(browser, site, "alice@example.net")
    given = {"metadata_url": foreign.metadata_url, "metadata": foreign.metadata()}
    form = {
        "kind": "saml",
        "name": "Hilltop Office",
        "key": "office",
        by: given[by],
        "domain_list": "hilltop.example",
        "is_on": "on",
        **entered,
    }
    page = browser.submit(f"{site}/admin/accounts/identityprovider/add/", form)
    assert "office" in text_of(page)
    foreign.know(browser.visit(f"{site}/accounts/saml/office/metadata/").content.decode())


def at_the_provider(
    browser: Browser, site: str, foreign: SimpleSaml, *, name: str = "nora"
) -> tuple[str, dict[str, str]]:
    """From the sign-in page through the provider's log-in form; what the browser is to post."""
    assert "Continue with Hilltop Office" in text_of(browser.visit(f"{site}/accounts/login/"))
    address = f"{site}/accounts/saml/office/login/?process=login"
    there = Visitor(foreign.url)
    log_in = there.open(way_out(browser.submit(address, follow=False)))
    answer = form_of(there.submit(log_in, username=name, password=PASSWORD))
    return answer.action, answer.fields


def come_back(browser: Browser, acs: str, answer: dict[str, str]) -> HttpResponse:
    """Post the provider's answer, and go on to where it is looked at."""
    back = browser.submit(acs, answer, follow=False)
    assert back["Location"].endswith("/acs/finish/")
    return browser.visit(back["Location"], follow=False)


def sign_in(browser: Browser, site: str, foreign: SimpleSaml, **who: str) -> HttpResponse:
    return come_back(browser, *at_the_provider(browser, site, foreign, **who))


@SITES
def test_nora_gets_in_by_the_log_in_form_of_her_office(
    browser: Browser, foreign: SimpleSaml, run_due: RunDue, site: str
) -> None:
    nora(site)
    set_up(site, foreign)
    run_due()
    assert sign_in(browser, site, foreign).status_code == 302
    assert is_in(browser, site)
    with schema_of(SCHEMAS[site]):
        event = Event.objects.filter(type="user.signed_in").latest("id")
    assert (event.data["by"], event.data["methods"]) == ("provider", ["fed"])


def test_metadata_may_be_pasted(browser: Browser, foreign: SimpleSaml) -> None:
    nora(FRONT)
    set_up(FRONT, foreign, by="metadata")
    assert sign_in(browser, FRONT, foreign).status_code == 302
    assert is_in(browser, FRONT)


@pytest.mark.parametrize(
    ("answers", "uid"),
    [
        # As it comes: a name that is made anew each time, and plain names of attributes.
        ({}, "nora@hilltop.example"),
        # As federations want it: attributes by their official names.
        (
            {"attributes.NameFormat": _URI, "authproc": _filter("core:AttributeMap", "name2oid")},
            "nora@hilltop.example",
        ),
        # As Microsoft's products name them.
        ({"authproc": _filter("core:AttributeMap", "name2claim")}, "nora@hilltop.example"),
        (
            {
                "NameIDFormat": _PERSISTENT,
                "authproc": _filter("saml:AttributeNameID", attribute="uid", Format=_PERSISTENT),
            },
            "nora",
        ),
        # Nothing but the name, which is the address.
        (
            {
                "NameIDFormat": _EMAIL,
                "authproc": _filter("saml:AttributeNameID", attribute="mail", Format=_EMAIL),
                "simplesaml.attributes": False,
            },
            "nora@hilltop.example",
        ),
        (
            {
                "NameIDFormat": _PERSISTENT,
                "authproc": _filter("saml:PersistentNameID", attribute="uid"),
            },
            r"[0-9a-f]{40}",
        ),
        ({"saml20.sign.response": False}, "nora@hilltop.example"),
        ({"signature.algorithm": f"{_MORE}#rsa-sha512"}, "nora@hilltop.example"),
    ],
    ids=["plain", "oid", "claims", "persistent", "email", "hashed", "assertion only", "sha512"],
)
def test_names_of_people_and_attributes_as_it_may_be_told_to_send_them(
    browser: Browser,
    other_browser: Browser,
    foreign: SimpleSaml,
    answers: dict[str, Any],
    uid: str,
) -> None:
    nora(FRONT)
    foreign.answer_with(**answers)
    set_up(FRONT, foreign, by="metadata")
    for one in (browser, other_browser):
        assert sign_in(one, FRONT, foreign).status_code == 302
        assert is_in(one, FRONT)
    with schema_of("public"):
        assert re.fullmatch(uid, SocialAccount.objects.get().uid)


def test_it_may_keep_what_we_say_of_us_for_ever(browser: Browser, foreign: SimpleSaml) -> None:
    set_up(FRONT, foreign, by="metadata")
    (service,) = foreign.services.values()
    assert service["saml20.sign.assertion"]
    assert "expire" not in service


@pytest.mark.parametrize(
    "answers",
    [
        {"saml20.sign.assertion": False},
        {"signature.algorithm": "http://www.w3.org/2000/09/xmldsig#rsa-sha1"},
        # Beyond the five minutes that clocks may differ.
        {"assertion.lifetime": -400},
    ],
    ids=["response only", "sha1", "expired"],
)
def test_what_it_may_be_told_to_do_wrong(
    browser: Browser, foreign: SimpleSaml, answers: dict[str, Any]
) -> None:
    nora(FRONT)
    set_up(FRONT, foreign, by="metadata")
    (service,) = foreign.services.values()
    service.update(answers)
    foreign.write()
    page = sign_in(browser, FRONT, foreign)
    assert page.status_code == 401
    assert "did not work" in text_of(page)
    assert not is_in(browser, FRONT)


def test_a_key_is_changed_by_naming_the_next_before_it_is_used(
    browser: Browser, foreign: SimpleSaml, run_due: RunDue
) -> None:
    nora(FRONT)
    foreign.announce_next_key()
    set_up(FRONT, foreign)
    run_due()
    assert sign_in(browser, FRONT, foreign).status_code == 302
    foreign.take_next_key()
    later = Browser()
    assert sign_in(later, FRONT, foreign).status_code == 302
    assert is_in(later, FRONT)


def test_a_key_that_nobody_named_opens_nothing_until_the_metadata_is_read_anew(
    browser: Browser, foreign: SimpleSaml, run_due: RunDue
) -> None:
    nora(FRONT)
    set_up(FRONT, foreign)
    run_due()
    foreign.take_next_key()
    assert sign_in(browser, FRONT, foreign).status_code == 401
    assert not is_in(browser, FRONT)
    with schema_of("public"):
        row = IdentityProvider.objects.get()
        owner = User.objects.get(email="alice@example.net")
    alice = Browser()
    enter(alice, FRONT, owner.email)
    path = f"{FRONT}/admin/accounts/identityprovider/{row.pk}/change/"
    form = {
        "kind": "saml",
        "name": "Hilltop Office",
        "key": "office",
        "metadata_url": foreign.metadata_url,
        "domain_list": "hilltop.example",
        "is_on": "on",
    }
    alice.submit(path, form)
    run_due()
    assert sign_in(browser, FRONT, foreign).status_code == 302
    assert is_in(browser, FRONT)


def test_an_answer_for_another_service_of_the_same_provider_opens_nothing_here(
    browser: Browser, foreign: SimpleSaml
) -> None:
    nora(FRONT)
    nora(ACME)
    set_up(FRONT, foreign, by="metadata")
    set_up(ACME, foreign, by="metadata")
    at_the_provider(browser, FRONT, foreign)
    _acs, answer = at_the_provider(browser, ACME, foreign)
    page = come_back(browser, f"{FRONT}/accounts/saml/office/acs/", answer)
    assert page.status_code == 401
    assert not is_in(browser, FRONT)


def test_what_the_provider_begins_by_itself_is_refused(
    browser: Browser, foreign: SimpleSaml
) -> None:
    nora(FRONT)
    set_up(FRONT, foreign, by="metadata")
    service = f"{FRONT}/accounts/saml/office/metadata/"
    there = Visitor(foreign.url)
    log_in = there.open(f"{foreign.url}/saml2/idp/SSOService.php?spentityid={service}")
    answer = form_of(there.submit(log_in, username="nora", password=PASSWORD))
    page = come_back(browser, answer.action, answer.fields)
    assert page.status_code == 401
    assert not is_in(browser, FRONT)


@pytest.mark.parametrize(
    ("mail", "status"),
    [
        ("root@elsewhere.example", 403),
        ("nora@hilltop.example.evil.example", 403),
        ("", 401),
    ],
)
def test_an_address_outside_of_the_organisation_s_domains_opens_nothing(
    browser: Browser, foreign: SimpleSaml, mail: str, status: int
) -> None:
    """Not even the account that has it here."""
    nora(FRONT, email=mail or "nora@hilltop.example")
    foreign.people["mallory"] = {"uid": "nora", **({"mail": mail} if mail else {})}
    foreign.write()
    set_up(FRONT, foreign, by="metadata", creates_people="on")
    before = people(FRONT)
    assert sign_in(browser, FRONT, foreign, name="mallory").status_code == status
    assert not is_in(browser, FRONT)
    assert people(FRONT) == before


def test_who_is_signed_in_at_the_provider_is_not_asked_again_and_somebody_new_gets_an_account(
    browser: Browser, foreign: SimpleSaml
) -> None:
    set_up(ACME, foreign, by="metadata", creates_people="on")
    there = Visitor(foreign.url)
    for _each in range(2):
        login = f"{ACME}/accounts/saml/office/login/?process=login"
        page = there.open(way_out(browser.submit(login, follow=False)))
        if not _each:
            page = there.submit(page, username="nora", password=PASSWORD)
        answer = form_of(page)
        assert come_back(browser, answer.action, answer.fields).status_code == 302
        assert is_in(browser, ACME)
        browser = Browser()
    with schema_of("w_acme"):
        made = User.objects.get(email="nora@hilltop.example")
    assert (made.name, made.is_staff) == ("Nora Lindqvist", False)
