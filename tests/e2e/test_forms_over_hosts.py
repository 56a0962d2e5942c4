"""Forms that lead to another host, in a real browser, which holds redirects against the policy."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from apps.accounts.providers.models import IdentityProvider
from apps.accounts.providers.services import save_provider
from apps.accounts.services import create_user
from apps.events.actors import SYSTEM
from apps.tenancy.kinds import operator
from dev.identity_provider import Provider
from dotmac.crypto.secret import Secret
from tests.accounts.people import FRONT
from tests.e2e.browser import chromium
from tests.idp.clients import register
from tests.site import site

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(120)]
PASSWORD = "a long winter in Lapland"


@pytest.fixture
def front(live_database: str, settings: Any) -> Iterator[str]:
    """The operator's site, where Nora has an account."""
    with operator():
        create_user(
            email="nora@hilltop.example",
            name="Nora",
            password=PASSWORD,
            is_verified=True,
            actor=SYSTEM,
        )
    with site() as port:
        settings.EDGE_HTTP_PORT = port
        yield f"http://dotmac.localhost:{port}"


@pytest.fixture
def provider() -> Iterator[Provider]:
    with Provider() as running:
        yield running


@contextmanager
def at_a_browser(front: str, provider: Provider) -> Iterator[Page]:
    """Begun when all rows are written: while its driver runs, Django takes this for a loop's."""
    with chromium([_port(front), _port(provider.url)]) as browser:
        yield browser.new_page()


def _port(address: str) -> int:
    return int(address.rpartition(":")[2])


def test_the_button_of_a_provider_leads_there_and_back(front: str, provider: Provider) -> None:
    row = IdentityProvider(
        kind="oidc",
        key="office",
        name="Hilltop Office",
        client_id=provider.client_id,
        issuer=provider.url,
        domains=["hilltop.example"],
    )
    with operator():
        save_provider(row, secret=Secret(provider.client_secret), actor=SYSTEM)
    with at_a_browser(front, provider) as page:
        page.goto(f"{front}/accounts/login/?next=/accounts/security/")
        page.get_by_role("button", name="Continue with Hilltop Office").click()
        heading = page.get_by_role("heading", name="Your security")
        expect(heading).to_be_visible(timeout=20_000)


@pytest.mark.parametrize("skip_consent", [False, True])
def test_the_last_form_on_the_way_leads_back_to_a_client(
    front: str, provider: Provider, skip_consent: bool
) -> None:
    """The consent, or the log-in where none is asked. The stand-in provider is the client here."""
    back = f"{provider.url}/back"
    tool = register(redirect_uris=[back], skip_consent=skip_consent)
    asked = tool.address(redirect_uri=back).replace(FRONT, front)
    with at_a_browser(front, provider) as page:
        _sign_in(page, asked)
        if not skip_consent:
            page.get_by_role("button", name="Continue").click()
        page.wait_for_url(f"{back}?**")


def _sign_in(page: Page, address: str) -> None:
    page.goto(address)
    page.get_by_label("E-mail").fill("nora@hilltop.example")
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()
