"""What people do with their factors, step by step, in a browser of the tests."""

import re
from urllib.parse import urlencode

from django.conf import settings
from django.http import HttpResponse

from apps.accounts.models import User
from apps.accounts.services import create_user
from apps.events.actors import SYSTEM
from apps.tenancy.kinds import schema_of
from tests.accounts.authenticators import SoftPasskey, code_at, options_of, origin_of
from tests.accounts.browser import Browser
from tests.accounts.conftest import PASSWORD

FRONT = f"http://{settings.BASE_DOMAIN}:8000"
ACME = f"https://acme.{settings.APPS_DOMAIN}:8443"
SCHEMAS = {FRONT: "public", ACME: "w_acme"}


def somebody(site: str, name: str, *, is_staff: bool = False, is_superuser: bool = False) -> User:
    """A person with a password at a site."""
    with schema_of(SCHEMAS[site]):
        return create_user(
            email=f"{name}@example.net",
            name=name.capitalize(),
            password=PASSWORD,
            is_verified=True,
            is_staff=is_staff,
            is_superuser=is_superuser,
            actor=SYSTEM,
        )


def enter(browser: Browser, site: str, email: str, *, wanted: str = "") -> HttpResponse:
    """Sign in with the password, following nothing."""
    query = f"?{urlencode({'next': wanted})}" if wanted else ""
    form = {"login": email, "password": PASSWORD, "next": wanted}
    return browser.submit(f"{site}/accounts/login/{query}", form, follow=False)


def confirm_password(browser: Browser, address: str) -> HttpResponse:
    """Open a page that wants the password once more."""
    page = browser.visit(address)
    if "/reauthenticate/" in browser.address:
        page = browser.submit(browser.address, {"password": PASSWORD})
    return page


def add_app(browser: Browser, site: str) -> str:
    """Set up an authenticator app; returns its secret."""
    page = confirm_password(browser, f"{site}/accounts/2fa/app/add/")
    found = re.search(r"<code>([A-Z2-7]{32})</code>", page.content.decode())
    assert found, page.content.decode()
    browser.submit(f"{site}/accounts/2fa/app/add/", {"code": code_at(found[1])})
    return found[1]


def add_passkey(browser: Browser, site: str, *, origin: str = "") -> SoftPasskey:
    """Add a passkey that signs in alone."""
    passkey = SoftPasskey()
    page = confirm_password(browser, f"{site}/accounts/2fa/passkeys/add/")
    credential = passkey.register(options_of(page), origin or origin_of(site))
    form = {"name": "Laptop", "passwordless": "on", "credential": credential}
    browser.submit(f"{site}/accounts/2fa/passkeys/add/", form)
    return passkey


def is_in(browser: Browser, site: str) -> bool:
    """Whether the person in a browser gets to a page of their own."""
    return browser.visit(f"{site}/accounts/security/", follow=False).status_code == 200
