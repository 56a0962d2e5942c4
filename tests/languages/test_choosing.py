"""Whose language is spoken: the person's, the browser's choice, the level's, the browser's own."""

import threading

import pytest
from django.core import mail
from django.test import Client
from django.utils import translation

from apps.accounts.languages import language_of
from apps.accounts.models import User
from apps.billing.money import format_money
from apps.branding.looks import forget_look
from apps.branding.models import Brand
from apps.core.languages import grouped, speaking
from apps.events.models import Event
from apps.tenancy.kinds import PUBLIC, schema_of
from tests.accounts.browser import text_of
from tests.conftest import Isp
from tests.pages.conftest import OPERATOR_HOST, browser

SIGN_IN = "/accounts/login/"
pytestmark = pytest.mark.django_db
ENGLISH, FRENCH = "Forgot your password?", "Mot de passe oublié"


def asking_for(host: str, languages: str) -> Client:
    """A stranger whose browser asks for languages."""
    return Client(headers={"host": host, "accept-language": languages})


def speaks(client: Client, path: str = SIGN_IN) -> str:
    """What the page itself says that it is written in."""
    page = client.get(path)
    code = page["Content-Language"]
    assert f'<html lang="{code}" dir="ltr">' in page.content.decode()
    return code


def set_level(schema: str, code: str) -> None:
    """Choose a level's language."""
    with schema_of(schema):
        Brand.objects.update_or_create(is_only=True, defaults={"language": code})
        forget_look()


@pytest.mark.parametrize(
    ("asked", "code"), [("fr-CA,fr;q=0.9,en;q=0.8", "fr"), ("sv,de", "en"), ("", "en")]
)
def test_a_stranger_reads_what_the_browser_asks_for(operator_schema, asked, code) -> None:
    client = asking_for(OPERATOR_HOST, asked)
    assert speaks(client) == code
    page = client.get(SIGN_IN)
    assert (FRENCH if code == "fr" else ENGLISH) in text_of(page)
    assert {"Accept-Language", "Cookie"} <= {name.strip() for name in page["Vary"].split(",")}


def test_the_switch_needs_no_script_and_holds_in_this_browser(operator_schema) -> None:
    stranger = asking_for(OPERATOR_HOST, "en")
    assert 'value="fr"' in stranger.get(SIGN_IN).content.decode()
    answer = stranger.post("/language/", {"language": "fr", "next": SIGN_IN})
    assert (answer.status_code, answer["Location"]) == (302, SIGN_IN)
    cookie = answer.cookies["language"]
    assert (cookie["domain"], cookie["samesite"]) == ("", "Lax")
    assert cookie["httponly"]
    assert speaks(stranger) == "fr"
    stranger.post("/language/", {"language": ""})
    assert speaks(stranger) == "en"


def test_the_switch_leads_nowhere_else_and_knows_only_its_languages(operator_schema) -> None:
    stranger = browser(OPERATOR_HOST)
    answer = stranger.post("/language/", {"language": "xx", "next": "//evil.example/"})
    assert answer["Location"] == "/"
    assert "language" not in answer.cookies
    assert stranger.get("/language/").status_code == 405
    forged = Client(headers={"host": OPERATOR_HOST}, enforce_csrf_checks=True)
    assert forged.post("/language/", {"language": "fr"}).status_code == 403


def test_a_person_s_own_language_comes_first(alice: Client, acme: Isp) -> None:
    alice.post("/language/", {"language": "fr"})
    with schema_of(acme.console):
        person = User.objects.get(email="alice@acme.example")
        assert person.language == "fr"
        event = Event.objects.get(type="user.changed")
    assert event.data == {"changed": {"language": {"before": "", "after": "fr"}}}
    alice.cookies["language"] = "en"
    page = alice.get("/accounts/security/")
    assert page["Content-Language"] == "fr"
    assert "Votre sécurité" in text_of(page)


def test_a_level_s_language_stands_before_the_browser_s(acme: Isp, initech: Isp) -> None:
    set_level(acme.workspace, "fr")
    assert speaks(asking_for(acme.workspace_host, "en")) == "fr"
    assert speaks(asking_for(initech.workspace_host, "en")) == "en"
    with schema_of(acme.workspace):
        assert language_of(None) == "fr"
        assert language_of(User(language="en")) == "en"


def test_no_language_is_left_for_the_next_request_or_job(acme: Isp) -> None:
    asking_for(acme.workspace_host, "fr").get(SIGN_IN)
    assert translation.get_language() == "en"
    assert speaks(browser(acme.workspace_host)) == "en"
    with speaking("fr"):
        with speaking("en"):
            pass
        seen: list[str | None] = []
        thread = threading.Thread(target=lambda: seen.append(translation.get_language()))
        thread.start()
        thread.join()
        assert (translation.get_language(), seen) == ("fr", ["en"])


def test_the_api_answers_in_english(acme: Isp) -> None:
    answer = asking_for(acme.workspace_host, "fr").get("/api/v1/me/")
    assert answer["Content-Language"] == "en"
    assert answer.json()["title"] == "Not authenticated"
    assert "Accept-Language" not in answer.get("Vary", "")


def test_a_mail_is_in_the_language_of_who_gets_it(operator_schema) -> None:
    with schema_of(PUBLIC):
        User.objects.create_user("rene@example.net", "a-long-pass-phrase", language="fr")
    asking_for(OPERATOR_HOST, "en").post("/accounts/password/reset/", {"email": "rene@example.net"})
    assert "Choisir un mot de passe" in mail.outbox[0].alternatives[0][0]


def test_numbers_and_money_follow_the_language() -> None:
    with speaking("fr"):
        assert grouped(12345) == "12\N{NARROW NO-BREAK SPACE}345"
        assert format_money(190050, "EUR") == "1\N{NARROW NO-BREAK SPACE}900,50\N{NO-BREAK SPACE}€"
    with speaking("en"):
        assert (grouped(12345), format_money(190050, "EUR")) == ("12,345", "€1,900.50")
