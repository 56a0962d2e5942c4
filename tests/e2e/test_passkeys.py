"""Passkeys in a real browser with a virtual authenticator: added, and used to sign in alone."""

from collections.abc import Iterator

import pytest
from allauth.mfa.models import Authenticator
from playwright.sync_api import Page, expect

from apps.accounts.services import create_user
from apps.events.actors import SYSTEM
from apps.tenancy.kinds import operator
from tests.e2e.browser import Watch, chromium
from tests.site import site

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(120)]
PASSWORD = "a long winter in Lapland"


@pytest.fixture
def front(live_database: str) -> Iterator[str]:
    """The operator's site, where Alice has an account."""
    with operator():
        create_user(
            email="alice@example.net",
            name="Alice",
            password=PASSWORD,
            is_verified=True,
            actor=SYSTEM,
        )
    with site() as port:
        yield f"http://dotmac.localhost:{port}"


def with_authenticator(page: Page) -> None:
    """A fingerprint reader that always says yes."""
    devtools = page.context.new_cdp_session(page)
    devtools.send("WebAuthn.enable")
    options = {
        "protocol": "ctap2",
        "transport": "internal",
        "hasResidentKey": True,
        "hasUserVerification": True,
        "isUserVerified": True,
        "automaticPresenceSimulation": True,
    }
    devtools.send("WebAuthn.addVirtualAuthenticator", {"options": options})


def test_a_passkey_is_added_and_signs_in_alone(front: str) -> None:
    port = int(front.rpartition(":")[2])
    with chromium([port]) as browser:
        page = browser.new_page()
        watch = Watch()
        watch.follow(page)
        with_authenticator(page)
        # This server knows no WebSockets, on which the bell would wait.
        page.route_web_socket("**/ws/**", lambda _socket: None)
        page.goto(f"{front}/accounts/login/")
        page.get_by_label("E-mail").fill("alice@example.net")
        page.get_by_label("Password", exact=True).fill(PASSWORD)
        page.get_by_role("button", name="Sign in", exact=True).click()
        page.goto(f"{front}/accounts/security/")
        page.get_by_role("link", name="Add passkey").click()
        page.get_by_label("Password", exact=True).fill(PASSWORD)
        page.get_by_role("button", name="Confirm").click()
        page.get_by_label("Name").fill("Laptop")
        page.get_by_role("button", name="Add passkey").click()
        expect(page.get_by_role("heading", name="Recovery codes")).to_be_visible()
        page.goto(f"{front}/accounts/security/")
        expect(page.get_by_text("Signs in alone")).to_be_visible()
        page.goto(f"{front}/accounts/logout/")
        page.get_by_role("button", name="Sign out").click()
        page.goto(f"{front}/accounts/login/?next=/accounts/security/")
        page.get_by_role("button", name="Sign in with a passkey").click()
        expect(page.get_by_role("heading", name="Your security")).to_be_visible()
        watch.assert_quiet()
    with operator():
        assert Authenticator.objects.get(type="webauthn").last_used_at
