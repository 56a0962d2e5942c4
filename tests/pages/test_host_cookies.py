"""Over HTTPS the cookies that sign people in bear names that no other host can set."""

import os
import re
import subprocess
import sys
from typing import Any

import pytest
from cryptography.fernet import Fernet
from django.conf import settings as all_settings
from django.contrib.sessions.backends.db import SessionStore
from django.contrib.sessions.models import Session
from django.test import Client

from apps.tenancy.kinds import schema_of
from config.settings.cookies import cookie_settings
from dotmac.crypto.keys import SigningKey
from tests.accounts.conftest import PASSWORD
from tests.accounts.people import ACME, somebody
from tests.conftest import Isp

pytestmark = pytest.mark.django_db
NEW, OLD = "__Host-sessionid", "sessionid"
NEW_TOKEN, OLD_TOKEN = "__Host-csrftoken", "csrftoken"
PAGE, FORM = "/accounts/security/", "/language/"


@pytest.fixture
def alice(acme: Isp) -> Client:
    """Alice's browser, signed in by a release that knew the old names only."""
    somebody(ACME, "alice")
    return _signed_in(acme)


def _signed_in(acme: Isp) -> Client:
    browser = Client(headers={"host": acme.workspace_host}, enforce_csrf_checks=True)
    page = browser.get("/accounts/login/", secure=True)
    form = {
        "login": "alice@example.net",
        "password": PASSWORD,
        "csrfmiddlewaretoken": _token(page.content.decode()),
    }
    answer = browser.post(
        "/accounts/login/",
        form,
        secure=True,
        headers={"referer": f"https://{acme.workspace_host}/"},
    )
    assert answer.status_code == 302
    return browser


def _token(page: str) -> str:
    found = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', page)
    assert found
    return found[1]


def _forget_marks(acme: Isp) -> None:
    """As sessions are that the release before has made."""
    with schema_of(acme.workspace):
        for row in Session.objects.all():
            session = SessionStore(row.session_key)
            session.pop("by_host_cookie", None)
            session.save()


@pytest.fixture
def upgraded(alice: Client, acme: Isp, settings: Any) -> Client:
    """The same browser at the release that has the new names."""
    _forget_marks(acme)
    for name, value in cookie_settings(is_secure=True).items():
        setattr(settings, name, value)
    return alice


def test_their_cookies_are_such_as_browsers_take_under_these_names(
    alice: Client, acme: Isp, settings: Any
) -> None:
    for name, value in cookie_settings(is_secure=True).items():
        setattr(settings, name, value)
    browser = _signed_in(acme)
    assert {NEW, NEW_TOKEN} <= set(browser.cookies)
    assert not {OLD, OLD_TOKEN} & set(browser.cookies)
    for name in (NEW, NEW_TOKEN):
        cookie = browser.cookies[name]
        assert (cookie["secure"], cookie["path"], cookie["domain"]) == (True, "/", "")
    assert browser.get(PAGE, secure=True).status_code == 200


def test_nobody_is_signed_out_by_the_upgrade_and_open_forms_can_be_sent(
    upgraded: Client, acme: Isp
) -> None:
    token = upgraded.cookies[OLD_TOKEN].value
    answer = upgraded.post(
        FORM,
        {"language": "fr", "csrfmiddlewaretoken": token},
        secure=True,
        headers={"referer": f"https://{acme.workspace_host}/"},
    )
    assert answer.status_code == 302
    assert {NEW, NEW_TOKEN} <= set(answer.cookies)
    del upgraded.cookies[OLD], upgraded.cookies[OLD_TOKEN]
    assert upgraded.get(PAGE, secure=True).status_code == 200


def test_a_session_that_was_planted_under_the_old_name_is_none(upgraded: Client, acme: Isp) -> None:
    upgraded.get(PAGE, secure=True)
    victim = Client(headers={"host": acme.workspace_host})
    victim.cookies[OLD] = upgraded.cookies[NEW].value
    assert victim.get(PAGE, secure=True).status_code == 302
    victim.cookies[NEW] = "none-of-ours"
    assert victim.get(PAGE, secure=True).status_code == 302


@pytest.mark.parametrize("module", ["prod", "isp"])
def test_servers_and_containers_use_them(module: str) -> None:
    code = (
        f"from config.settings import {module} as s;"
        "print(s.SESSION_COOKIE_NAME, s.CSRF_COOKIE_NAME, s.SESSION_COOKIE_SECURE)"
    )
    environment = {
        **os.environ,
        "DOTMAC_ROLE": "isp" if module == "isp" else "platform",
        "SECRET_KEY": "a-secret-of-a-test-" * 3,
        "FIELD_KEYS": Fernet.generate_key().decode(),
        "PLATFORM_SIGNING_KEY": SigningKey.generate().to_pem().reveal(),
        "EMAIL_URL": "smtp+tls://user@mail.example",
    }
    ran = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True
    )
    assert ran.stdout.split() == [NEW, NEW_TOKEN, "True"]
    assert all_settings.SESSION_COOKIE_NAME == OLD


@pytest.mark.parametrize(
    ("said", "is_deleted"),
    [
        ({}, True),
        ({"sec-fetch-mode": "navigate"}, True),
        ({"sec-fetch-mode": "cors"}, False),
        ({"hx-request": "true"}, False),
    ],
)
def test_only_a_page_of_its_own_takes_the_cookie_of_a_session_that_is_gone(
    acme: Isp, said: dict[str, str], is_deleted: bool
) -> None:
    browser = Client(headers={"host": acme.workspace_host})
    browser.cookies["sessionid"] = "k" * 32
    answer = browser.get("/accounts/login/", headers=said)
    assert ("sessionid" in answer.cookies) == is_deleted
