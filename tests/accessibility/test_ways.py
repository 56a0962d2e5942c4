"""Pages that are seen only on the way through others: axe finds nothing on them either."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from allauth.account.models import EmailAddress
from allauth.mfa.totp.internal.auth import TOTP, generate_totp_secret
from django.db import connection
from playwright.sync_api import Page as Tab
from playwright.sync_api import expect

from apps.accounts.services import create_user
from apps.events.actors import SYSTEM
from apps.tenancy.kinds import PUBLIC, schema_of
from tests.accessibility.audit import violations
from tests.accessibility.conftest import NARROW, WIDE, Site

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(600)]
_PASSWORD = "a long winter in Lapland"
_GUARDED = "two@polar.example"


def at_the_operator(act: Callable[[], object]) -> None:
    """Do it in the database, from a thread of its own: the browser's has an event loop."""

    def done() -> None:
        with schema_of(PUBLIC):
            act()
        connection.close()

    with ThreadPoolExecutor(1) as pool:
        pool.submit(done).result()


def confirm(email: str) -> None:
    """As the link in the mail does."""
    assert EmailAddress.objects.filter(email=email).update(verified=True)


def guarded() -> None:
    """Somebody with an authenticator app."""
    user = create_user(email=_GUARDED, password=_PASSWORD, is_verified=True, actor=SYSTEM)
    TOTP.activate(user, generate_totp_secret())


def send(tab: Tab) -> None:
    """Press the form's button, wherever that leads."""
    tab.locator("main form button[type=submit][data-variant=primary]").last.click()


def refused(tab: Tab, path: str) -> list[str]:
    """What axe says of the same page with an error in it."""
    expect(tab.locator("[aria-invalid=true]").first).to_be_visible()
    return at(tab, path)


def at(tab: Tab, path: str) -> list[str]:
    """What axe says once the browser is there."""
    tab.wait_for_url(f"**{path}")
    return [f"{path}: {line}" for line in violations(tab)]


@pytest.mark.parametrize("size", [WIDE, NARROW], ids=str)
def test_each_step_of_signing_up(site: Site, size: tuple[int, int]) -> None:
    email, found = f"new{size[0]}@polar.example", list[str]()
    with site.tab("operator", "", size) as tab:
        tab.goto("/signup/account/")
        tab.get_by_label("E-mail").fill(email)
        tab.get_by_label("Password", exact=True).fill("password")
        send(tab)
        found += refused(tab, "/signup/account/")
        tab.get_by_label("Password", exact=True).fill(_PASSWORD)
        send(tab)
        found += at(tab, "/signup/verify/")
        at_the_operator(lambda: confirm(email))
        found += at(tab, "/signup/organisation/")
        tab.get_by_label("Name", exact=True).fill("Polar Net")
        tab.get_by_label("Address").fill("acme")
        send(tab)
        found += refused(tab, "/signup/organisation/")
        tab.get_by_label("Address").fill(f"polar{size[0]}")
        send(tab)
        found += at(tab, "/signup/place/")
        tab.get_by_label("Country").select_option(label="Norway")
        send(tab)
        found += at(tab, "/signup/plan/")
    assert found == []


def test_the_question_for_a_second_factor(site: Site) -> None:
    at_the_operator(guarded)
    with site.tab("operator", "") as tab:
        tab.goto("/accounts/login/")
        tab.get_by_label("E-mail").fill(_GUARDED)
        tab.get_by_label("Password", exact=True).fill(_PASSWORD)
        send(tab)
        found = at(tab, "/accounts/2fa/authenticate/")
        tab.get_by_label("Code").fill("000000")
        send(tab)
        found += refused(tab, "/accounts/2fa/authenticate/")
    assert found == []
