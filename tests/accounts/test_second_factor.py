"""Second factors: an app, passkeys and recovery codes, at the operator and in workspaces."""

import json
import re
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

import pytest
import time_machine
from allauth.mfa.models import Authenticator
from django.contrib.sessions.models import Session
from django.core.cache import cache
from django.utils import timezone

from apps.accounts.security.factors import FactorAdapter
from apps.core import mailbox
from apps.events.models import Event
from apps.tenancy.kinds import schema_of
from tests.accounts.authenticators import code_at, options_of, origin_of
from tests.accounts.browser import Browser, text_of
from tests.accounts.people import (
    ACME,
    FRONT,
    SCHEMAS,
    add_app,
    add_passkey,
    confirm_password,
    enter,
    is_in,
    somebody,
)

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("commits")]
SITES = pytest.mark.parametrize("site", [FRONT, ACME])
LATER_S = 120


@pytest.fixture
def later() -> Any:
    """Two minutes on, when the codes of before are over."""
    with time_machine.travel(timezone.now() + timedelta(seconds=LATER_S), tick=False) as clock:
        yield clock


def codes_shown(browser: Browser, site: str) -> list[str]:
    page = browser.visit(f"{site}/accounts/2fa/codes/")
    return re.findall(r"<li>(\d{8})</li>", page.content.decode())


def events_of(site: str, type: str) -> list[dict[str, Any]]:
    with schema_of(SCHEMAS[site]):
        return [event.data for event in Event.objects.filter(type=type).order_by("id")]


@SITES
def test_an_app_is_asked_for_after_the_password(browser: Browser, site: str) -> None:
    somebody(site, "alice")
    enter(browser, site, "alice@example.net")
    secret = add_app(browser, site)
    assert "Recovery codes" in text_of(browser.page)
    browser.submit(f"{site}/accounts/logout/")
    with time_machine.travel(timezone.now() + timedelta(seconds=LATER_S), tick=True):
        answer = enter(browser, site, "alice@example.net")
        assert answer["Location"] == "/accounts/2fa/authenticate/"
        assert not is_in(browser, site)
        browser.submit(
            f"{site}/accounts/2fa/authenticate/", {"code": code_at(secret)}, follow=False
        )
        assert is_in(browser, site)
    assert events_of(site, "user.factor_added") == [
        {"factor": "totp"},
        {"factor": "recovery_codes"},
    ]
    assert events_of(site, "user.signed_in")[-1]["methods"] == ["pwd", "otp"]


def test_setting_one_up_needs_the_password_once_more(browser: Browser) -> None:
    somebody(FRONT, "alice")
    enter(browser, FRONT, "alice@example.net")
    page = browser.visit(f"{FRONT}/accounts/2fa/app/add/")
    assert "/accounts/reauthenticate/" in browser.address
    assert "enter your password once more" in text_of(page)
    browser.submit(browser.address, {"password": "not this one"})
    assert "Set up authenticator app" not in text_of(browser.page)


def test_a_code_is_not_accepted_again_not_even_by_another_process(
    browser: Browser, other_browser: Browser, later: Any
) -> None:
    somebody(FRONT, "alice")
    enter(browser, FRONT, "alice@example.net")
    secret = add_app(browser, FRONT)
    enter(other_browser, FRONT, "alice@example.net")
    step = f"{FRONT}/accounts/2fa/authenticate/"
    # The very code that set the app up.
    cache.clear()
    page = other_browser.submit(step, {"code": code_at(secret)})
    assert "was used already" in text_of(page)
    with time_machine.travel(timezone.now() + timedelta(seconds=60), tick=False):
        code = code_at(secret)
        browser.submit(f"{FRONT}/accounts/logout/")
        enter(browser, FRONT, "alice@example.net")
        browser.submit(step, {"code": code}, follow=False)
        assert is_in(browser, FRONT)
        # Another process has a cache of its own, and knows of nothing.
        cache.clear()
        assert "was used already" in text_of(other_browser.submit(step, {"code": code}))
        cache.clear()
        spaced = {"code": f" {code[:3]} {code[3:]}"}
        assert "was used already" in text_of(other_browser.submit(step, spaced))
        assert not is_in(other_browser, FRONT)


def test_secrets_are_encrypted_at_rest_also_while_they_wait(browser: Browser) -> None:
    somebody(FRONT, "alice")
    enter(browser, FRONT, "alice@example.net")
    page = confirm_password(browser, f"{FRONT}/accounts/2fa/app/add/")
    waiting = re.search(r"<code>([A-Z2-7]{32})</code>", page.content.decode())
    assert waiting
    with schema_of("public"):
        kept = [str(session.get_decoded()) for session in Session.objects.all()]
        assert not any(waiting[1] in session for session in kept)
    secret = add_app(browser, FRONT)
    shown = re.findall(r"<li>(\d{8})</li>", browser.page.content.decode())
    with schema_of("public"):
        rows = json.dumps(list(Authenticator.objects.values_list("data", flat=True)))
        app = Authenticator.objects.get(type="totp")
        assert FactorAdapter().decrypt(app.data["secret"]) == secret
        said = json.dumps(list(Event.objects.values_list("data", flat=True)))
    assert shown
    for word in (secret, *shown):
        assert word not in rows
        assert word not in said


def test_recovery_codes_are_shown_once_and_each_lets_in_once(browser: Browser) -> None:
    somebody(FRONT, "alice")
    enter(browser, FRONT, "alice@example.net")
    add_app(browser, FRONT)
    # The page after the set-up showed them; they are not shown again.
    codes = re.findall(r"<li>(\d{8})</li>", browser.page.content.decode())
    assert len(codes) == 10
    assert codes_shown(browser, FRONT) == []
    step = f"{FRONT}/accounts/2fa/authenticate/"
    browser.submit(f"{FRONT}/accounts/logout/")
    enter(browser, FRONT, "alice@example.net")
    browser.submit(step, {"code": codes[3]}, follow=False)
    assert is_in(browser, FRONT)
    assert "9 unused codes" in text_of(browser.visit(f"{FRONT}/accounts/security/"))
    browser.submit(f"{FRONT}/accounts/logout/")
    enter(browser, FRONT, "alice@example.net")
    assert "Incorrect code" in text_of(browser.submit(step, {"code": codes[3]}))


def test_a_wrong_code_is_recorded(browser: Browser) -> None:
    somebody(FRONT, "alice")
    enter(browser, FRONT, "alice@example.net")
    add_app(browser, FRONT)
    browser.submit(f"{FRONT}/accounts/logout/")
    enter(browser, FRONT, "alice@example.net")
    browser.submit(f"{FRONT}/accounts/2fa/authenticate/", {"code": "000000"})
    assert events_of(FRONT, "user.sign_in_failed") == [{"by": "otp", "ip": "127.0.0.1"}]


@SITES
def test_a_passkey_signs_in_alone_and_leads_on(browser: Browser, site: str) -> None:
    somebody(site, "alice")
    enter(browser, site, "alice@example.net")
    passkey = add_passkey(browser, site)
    assert passkey.host == urlsplit(site).hostname
    browser.submit(f"{site}/accounts/logout/")
    assert "Sign in with a passkey" in text_of(browser.visit(f"{site}/accounts/login/"))
    login = f"{site}/accounts/2fa/passkeys/login/"
    options = browser.visit(login, accept="application/json").json()
    form = {"credential": passkey.sign(options, origin_of(site)), "next": "/accounts/security/"}
    assert browser.submit(login, form, follow=False)["Location"] == "/accounts/security/"
    assert is_in(browser, site)
    signed_in = events_of(site, "user.signed_in")[-1]
    assert (signed_in["by"], signed_in["methods"]) == ("passkey", ["webauthn"])


def test_a_passkey_is_the_second_step_after_a_password(browser: Browser) -> None:
    somebody(FRONT, "alice")
    enter(browser, FRONT, "alice@example.net")
    passkey = add_passkey(browser, FRONT)
    browser.submit(f"{FRONT}/accounts/logout/")
    enter(browser, FRONT, "alice@example.net")
    page = browser.visit(f"{FRONT}/accounts/2fa/authenticate/")
    assert "Use passkey" in text_of(page)
    form = {"credential": passkey.sign(options_of(page), origin_of(FRONT))}
    browser.submit(f"{FRONT}/accounts/2fa/authenticate/", form, follow=False)
    assert is_in(browser, FRONT)
    assert events_of(FRONT, "user.signed_in")[-1]["methods"] == ["pwd", "webauthn"]


@pytest.mark.parametrize(
    "origin",
    [
        "https://dotmac.example",
        # A console, below the operator's host: the library alone would take it.
        "http://acme.dotmac.localhost:8000",
        "http://dotmac.localhost.evil.example",
        "ftp://dotmac.localhost:8000",
        "null",
    ],
)
def test_a_passkey_used_on_another_site_is_refused(browser: Browser, origin: str) -> None:
    somebody(FRONT, "alice")
    enter(browser, FRONT, "alice@example.net")
    passkey = add_passkey(browser, FRONT)
    browser.submit(f"{FRONT}/accounts/logout/")
    login = f"{FRONT}/accounts/2fa/passkeys/login/"
    options = browser.visit(login, accept="application/json").json()
    page = browser.submit(login, {"credential": passkey.sign(options, origin)})
    assert "answered for another address" in text_of(page)
    assert not is_in(browser, FRONT)


def test_a_passkey_over_http_is_refused_in_production(browser: Browser, settings: Any) -> None:
    somebody(FRONT, "alice")
    enter(browser, FRONT, "alice@example.net")
    settings.DEVELOPMENT = False
    add_passkey(browser, FRONT)
    assert "answered for another address" in text_of(browser.page)
    with schema_of("public"):
        assert not Authenticator.objects.exists()


def test_an_answer_to_an_old_question_is_refused(browser: Browser) -> None:
    somebody(FRONT, "alice")
    enter(browser, FRONT, "alice@example.net")
    passkey = add_passkey(browser, FRONT)
    browser.submit(f"{FRONT}/accounts/logout/")
    login = f"{FRONT}/accounts/2fa/passkeys/login/"
    old = passkey.sign(browser.visit(login, accept="application/json").json(), origin_of(FRONT))
    browser.visit(login, accept="application/json")
    browser.submit(login, {"credential": old})
    assert not is_in(browser, FRONT)
    for broken in ("", "{}", "[]", "null", "x", '{"response": {"clientDataJSON": 7}}'):
        assert browser.submit(login, {"credential": broken}).status_code == 200
    assert not is_in(browser, FRONT)


def test_the_page_says_that_passkeys_do_not_follow_the_address(browser: Browser) -> None:
    somebody(ACME, "alice")
    enter(browser, ACME, "alice@example.net")
    page = text_of(confirm_password(browser, f"{ACME}/accounts/2fa/passkeys/add/"))
    assert "It is bound to this address" in page
    assert "it does not follow" in page


def test_nobody_touches_the_passkey_of_another(browser: Browser, other_browser: Browser) -> None:
    for site in (FRONT, ACME):
        somebody(site, "alice")
        somebody(site, "bob")
    enter(browser, FRONT, "alice@example.net")
    add_passkey(browser, FRONT)
    with schema_of("public"):
        pk = Authenticator.objects.get(type="webauthn").pk
    for site in (FRONT, ACME):
        enter(other_browser, site, "bob@example.net")
        confirm_password(other_browser, f"{site}/accounts/2fa/app/add/")
        for what in ("edit", "remove"):
            address = f"{site}/accounts/2fa/passkeys/{pk}/{what}/"
            assert other_browser.visit(address).status_code == 404
            assert other_browser.submit(address, {"name": "Bob's"}).status_code == 404
    with schema_of("public"):
        assert Authenticator.objects.get(pk=pk).wrap().name == "Laptop"


def test_a_passkey_is_renamed_and_removed_with_mails_and_events(browser: Browser) -> None:
    somebody(FRONT, "alice")
    enter(browser, FRONT, "alice@example.net")
    add_passkey(browser, FRONT)
    with schema_of("public"):
        pk = Authenticator.objects.get(type="webauthn").pk
    address = f"{FRONT}/accounts/2fa/passkeys/{pk}"
    browser.submit(f"{address}/edit/?next=/accounts/security/", {"name": "Work laptop"})
    assert "Work laptop" in text_of(browser.visit(f"{FRONT}/accounts/security/"))
    assert "Work laptop" in text_of(browser.visit(f"{address}/remove/"))
    browser.submit(f"{address}/remove/")
    with schema_of("public"):
        assert not Authenticator.objects.exists()
    gone = [data["factor"] for data in events_of(FRONT, "user.factor_removed")]
    assert sorted(gone) == ["recovery_codes", "webauthn"]
    subjects = [mail["subject"] for mail in mailbox.messages()]
    assert subjects[:2] == ["A passkey was removed", "A passkey was added"]
    assert f"{FRONT}/accounts/security/" in mailbox.messages()[0]["text"]


def test_an_app_is_removed(browser: Browser) -> None:
    somebody(FRONT, "alice")
    enter(browser, FRONT, "alice@example.net")
    add_app(browser, FRONT)
    assert "Remove authenticator app" in text_of(browser.visit(f"{FRONT}/accounts/2fa/app/remove/"))
    browser.submit(f"{FRONT}/accounts/2fa/app/remove/")
    with schema_of("public"):
        assert not Authenticator.objects.exists()
    assert mailbox.messages()[0]["subject"] == "Your authenticator app was removed"
