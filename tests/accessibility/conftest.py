"""A site with a row of everything, served by this process, and a browser for its people."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.test import override_settings
from playwright.sync_api import Browser
from playwright.sync_api import Page as Tab

from tests.accessibility.addresses import ELSEWHERE, Page, answer, everything, others
from tests.accessibility.world import CUSTOMER, OWNER, SCHEMAS, fill
from tests.e2e.browser import chromium
from tests.pages.test_every_address import HOSTS
from tests.signed_in import proven_session
from tests.site import site as served

WIDE, NARROW = (1440, 900), (360, 740)


@dataclass
class Site:
    """Where the pages are, who is signed in where, and a browser."""

    port: int
    browser: Browser
    sessions: dict[tuple[str, str], str]
    pages: list[Page]
    answers: dict[Page, tuple[int, str]] = field(default_factory=dict)

    def page(self, kind: str, name: str) -> Page:
        """A page by its name at a kind."""
        return next(one for one in self.pages if (one.kind, one.name) == (kind, name))

    @contextmanager
    def tab(self, kind: str, who: str, size: tuple[int, int] = WIDE, **look: Any) -> Iterator[Tab]:
        """An empty page of a browser in which somebody is signed in at a kind's host."""
        context = self.browser.new_context(
            viewport={"width": size[0], "height": size[1]},
            locale="en-GB",
            reduced_motion="reduce",
            base_url=f"http://{HOSTS[kind]}:{self.port}",
            **look,
        )
        context.set_default_timeout(15_000)
        if who:
            name, value = django_settings.SESSION_COOKIE_NAME, self.sessions[kind, who]
            cookie = {"name": name, "value": value, "domain": HOSTS[kind], "path": "/"}
            context.add_cookies([cookie])  # type: ignore[list-item]
        # The server knows no WebSockets, on which the bell would wait.
        context.route_web_socket("**/ws/**", lambda _socket: None)
        try:
            yield context.new_page()
        finally:
            context.close()


@pytest.fixture(scope="package")
def site(
    open_live_database: Callable[[], AbstractContextManager[str]],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Site]:
    """The site with everything; one for all tests of this package."""
    media = tmp_path_factory.mktemp("media")
    with open_live_database(), override_settings(MEDIA_ROOT=media):
        known = fill()
        sessions = {
            (kind, OWNER): proven_session(schema, OWNER) for kind, schema in SCHEMAS.items()
        }
        sessions["workspace", CUSTOMER] = proven_session(SCHEMAS["workspace"], CUSTOMER)
        found = [page for kind in HOSTS for page in everything(kind, known)] + others(known)
        with served() as port:
            name = django_settings.SESSION_COOKIE_NAME
            cookies = {at: f"{name}={key}" for at, key in sessions.items()}
            answers = {
                one: answer(port, one, cookies.get((one.kind, one.who), "")) for one in found
            }
            pages = [
                one for one in found if answers[one] == (200, "page") and one.name not in ELSEWHERE
            ]
            with chromium([port]) as browser:
                yield Site(port, browser, sessions, pages, answers)
