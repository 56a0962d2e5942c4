"""The address of an organisation, as sign-up checks it while it is typed and when it is sent."""

from collections.abc import Callable

import pytest
from django.conf import settings

from apps.accounts.models import User
from apps.tenancy.kinds import operator
from apps.tenants.models import Organisation
from tests.accounts.browser import Browser, text_of
from tests.accounts.conftest import PASSWORD

FRONT = f"http://{settings.BASE_DOMAIN}:8000"
RULE = "3 to 30 lower-case letters, digits and single hyphens"

REFUSED = {
    "a Cyrillic a among Latin letters": ("\u0430cme-net", "cyrillic small letter a"),
    "an emoji": ("fiber-\U0001f680", "rocket"),
    "a letter from right to left": ("net\u05d0work", "hebrew letter alef"),
    "a mark that turns the direction": ("abc\u202edef", "right-to-left override"),
    "a letter with an accent": ("caf\u00e9-net", "latin small letter e with acute"),
    "a zero-width space": ("acme\u200bnet", "zero width space"),
    "a dotless i": ("f\u0131ber", "latin small letter dotless i"),
    "sixty-four characters": ("a" * 64, "64 characters are too many"),
    "a novel": ("a" * 480, "480 characters are too many"),
    "two characters": ("ab", "2 characters are too few"),
    "a double hyphen": ("ab--cd", RULE),
    "a hyphen at the end": ("abc-", RULE),
    "a dot": ("abc.def", RULE),
    "an underscore": ("abc_def", RULE),
    "a blank": ("abc def", RULE),
    "the platform's own": ("admin", "kept for the platform itself"),
    "the platform's own in full width": ("\uff41\uff50\uff49", "kept for the platform itself"),
    "another ISP's": ("acme", "is taken"),
    "another ISP's in capitals": ("ACME", "is taken"),
    "another ISP's in full width": ("\uff41\uff43\uff4d\uff45", "is taken"),
}


@pytest.fixture
def alice(person: Callable[[str], User], browser: Browser) -> User:
    """Alice, signed in and at step 3."""
    made = person("alice")
    browser.sign_in("alice@example.net", PASSWORD)
    assert browser.address == f"{FRONT}/signup/organisation/"
    return made


@pytest.mark.django_db
@pytest.mark.parametrize("case", REFUSED)
def test_an_address_is_refused_at_its_field(alice: User, browser: Browser, case: str) -> None:
    slug, sentence = REFUSED[case]
    page = text_of(browser.submit("/signup/organisation/", {"name": "N", "slug": slug}))
    assert browser.address == f"{FRONT}/signup/organisation/"
    error = page.partition('id="id_slug_error"')[2].partition("</ul>")[0]
    assert sentence in error, page
    assert "\u202e" not in error


@pytest.mark.django_db
@pytest.mark.parametrize("case", REFUSED)
def test_the_live_check_says_the_same(alice: User, browser: Browser, case: str) -> None:
    slug, sentence = REFUSED[case]
    with_slug = browser.client(settings.BASE_DOMAIN).get(
        "/signup/organisation/check/", {"slug": slug}, headers={"host": settings.BASE_DOMAIN}
    )
    assert 'data-tone="bad"' in text_of(with_slug)
    assert sentence in text_of(with_slug)


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("typed", "slug"),
    [
        ("northwind", "northwind"),
        ("NorthWind ", "northwind"),
        ("\uff4e\uff4f\uff52\uff54\uff48", "north"),
        ("abc", "abc"),
        ("a" * 30, "a" * 30),
        ("north-wind-7", "north-wind-7"),
    ],
)
def test_what_only_is_written_differently_is_accepted(
    alice: User, browser: Browser, typed: str, slug: str
) -> None:
    checked = browser.visit(f"/signup/organisation/check/?slug={typed}")
    assert f"<b>{slug}.{settings.BASE_DOMAIN}</b> is free" in text_of(checked)
    browser.submit(f"{FRONT}/signup/organisation/", {"name": "N", "slug": typed})
    assert browser.address == f"{FRONT}/signup/place/"
    page = text_of(browser.visit("/signup/organisation/"))
    assert f'value="{slug}"' in page


@pytest.mark.django_db
def test_a_taken_address_comes_with_a_free_one_close_to_it(alice: User, browser: Browser) -> None:
    assert "<b>acme-net</b> is free" in text_of(
        browser.visit("/signup/organisation/check/?slug=acme")
    )


@pytest.mark.django_db
def test_an_address_taken_meanwhile_is_an_error_at_its_field_and_nothing_is_made(
    alice: User, browser: Browser
) -> None:
    from_page = browser.submit("/signup/organisation/", {"name": "N", "slug": "northwind"})
    assert from_page.status_code == 200
    browser.submit(
        "/signup/place/",
        {"country": "SE", "currency": "SEK", "timezone": "Europe/Stockholm", "region": "local"},
    )
    with operator():
        Organisation.objects.create(
            name="First",
            slug="northwind",
            plan_version="00000000-0000-0000-0000-000000000001",
            owner="00000000-0000-0000-0000-000000000002",
        )
    key = "6f9619ff-8b86-d011-b42d-00cf4fc964ff"
    page = text_of(browser.submit("/signup/plan/", {"plan": "starter", "idempotency_key": key}))
    assert browser.address == f"{FRONT}/signup/organisation/?check=1"
    assert "“northwind” is taken" in page.partition('id="id_slug_error"')[2]
    with operator():
        assert Organisation.objects.get().name == "First"


@pytest.mark.django_db
@pytest.mark.parametrize("name", ["   ", "x" * 121, "Acme\u202eliated", "Acme\u0007"])
def test_a_name_that_cannot_be_shown_is_refused(alice: User, browser: Browser, name: str) -> None:
    page = browser.submit("/signup/organisation/", {"name": name, "slug": "northwind"})
    assert 'id="id_name_error"' in text_of(page)


@pytest.mark.django_db
def test_a_name_in_any_script_is_kept(alice: User, browser: Browser) -> None:
    browser.submit("/signup/organisation/", {"name": "شبكة النور", "slug": "alnour"})
    assert browser.address == f"{FRONT}/signup/place/"
