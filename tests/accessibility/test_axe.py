"""axe, the keyboard and narrow screens: nothing is wrong on any page, and what stands for all."""

from collections.abc import Callable, Iterator
from itertools import cycle, groupby
from typing import Any

import pytest
from django.template.loader import render_to_string
from django.test import override_settings
from playwright.sync_api import Page as Tab

from tests.accessibility.addresses import ELSEWHERE, Page
from tests.accessibility.audit import violations
from tests.accessibility.conftest import NARROW, WIDE, Site
from tests.accessibility.stops import unclosed, wrong_stops
from tests.accessibility.widths import beside
from tests.accessibility.world import CUSTOMER, OWNER
from tests.pages.needs import NOBODY
from tests.pages.role_table import NEEDS
from tests.pages.test_every_address import HOSTS

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(900)]


def once(pages: list[Page]) -> list[Page]:
    """Each page of a name at one kind; homes and ways in are others at each.

    Histories are all the same page of the theme.
    """
    found: dict[tuple[str, str], Page] = {}
    for one in pages:
        is_own = one.name in ("admin:index", "account_login", "account_security")
        name = "history" if one.name.endswith("_history") else one.name
        found.setdefault((name, one.kind if is_own else ""), one)
    return list(found.values())


Look = Callable[[Tab], list[str]]


def looked_at(site: Site, pages: list[Page], look: Look, **how: Any) -> Iterator[str]:
    """What is wrong with pages, opened one after another, each in its person's browser."""

    def at(one: Page) -> tuple[str, str]:
        return one.kind, one.who

    for (kind, who), group in groupby(sorted(pages, key=at), key=at):
        with site.tab(kind, who, **how) as tab:
            for one in group:
                answer = tab.goto(one.path)
                assert answer is not None
                assert answer.status == 200, one
                yield from (f"{one.name} {one.path}: {line}" for line in look(tab))


class Thorough:
    """All that is looked at while a page is open, so that it is opened once."""

    def __init__(self) -> None:
        self.schemes = cycle(("light", "dark"))
        self.tried: set[str] = set()
        self.person: Tab | None = None

    def __call__(self, tab: Tab) -> list[str]:
        # The navigation is the same on each page of a person.
        past, self.person = _NAVIGATION if tab is self.person else "", tab
        found = violations(tab, past=past) + wrong_stops(tab, past=past) + unclosed(tab, self.tried)
        tab.emulate_media(color_scheme=next(self.schemes))
        found += beside(tab)
        tab.emulate_media(color_scheme="light")
        tab.set_viewport_size({"width": WIDE[0], "height": WIDE[1]})
        return found


_NAVIGATION = "#nav-sidebar"


def test_every_address_is_a_page_or_says_what_it_is_instead(site: Site) -> None:
    """A new address is audited by itself, or stands in ELSEWHERE with the reason."""
    known = ELSEWHERE.keys() | {one.name for one in site.pages}
    silent = [
        (one.kind, one.name, one.path, status)
        for one, (status, what) in site.answers.items()
        if what == "page" and one.name not in known and NEEDS.get(one.name, ("", ""))[0] != NOBODY
    ]
    assert silent == []


def test_nothing_stands_elsewhere_that_is_gone(site: Site) -> None:
    assert ELSEWHERE.keys() - {one.name for one in site.answers} == set()


@pytest.mark.parametrize("kind", HOSTS)
def test_every_page(site: Site, kind: str) -> None:
    """By axe, at each width, and by keyboard."""
    pages = [one for one in once(site.pages) if one.kind == kind]
    assert pages
    found = list(looked_at(site, pages, Thorough()))
    assert not found, "\n".join(found)


# One of each template that many pages share.
TYPICAL = (
    ("operator", "front"),
    ("operator", "account_login"),
    ("operator", "admin:index"),
    ("operator", "admin:work_due_changelist"),
    ("console", "admin:index"),
    ("console", "admin:instances_instance_change"),
    ("workspace", "admin:index"),
    ("workspace", "admin:subscribers_subscriber_changelist"),
    ("workspace", "admin:accounts_role_change"),
    ("workspace", "portal_home"),
)


@pytest.mark.parametrize(
    ("size", "scheme"), [(WIDE, "dark"), (NARROW, "light"), (NARROW, "dark")], ids=str
)
def test_what_is_typical_in_the_dark_and_on_a_phone(
    site: Site, size: tuple[int, int], scheme: str
) -> None:
    pages = [site.page(*one) for one in TYPICAL]
    assert list(looked_at(site, pages, violations, size=size, color_scheme=scheme)) == []


def test_errors(site: Site) -> None:
    """What is not there, not allowed or not right: by its address, or as it is rendered."""
    found = []
    for kind, who, path, status in (
        ("operator", OWNER, "/nowhere/", 404),
        ("operator", OWNER, "/admin/work/due/add/", 403),
        ("operator", "", "/identity/authorize", 400),
        ("console", "", "/sso/enter/", 403),
        ("workspace", "", "/sso/visit/", 403),
        ("workspace", CUSTOMER, "/nowhere/", 404),
        ("workspace", CUSTOMER, "/admin/", 403),
    ):
        with site.tab(kind, who) as tab:
            answer = tab.goto(path)
            assert answer is not None
            assert answer.status == status, path
            found += [f"{path}: {line}" for line in violations(tab)]
    with site.tab("operator", "") as tab, override_settings(ROOT_URLCONF="config.urls.operator"):
        # Their sheets come from the host of the page before.
        tab.goto("/accounts/login/")
        for name in ("500.html", "429.html"):
            tab.set_content(render_to_string(name, {"request_id": "0" * 16, "minutes": 5}))
            found += [f"{name}: {line}" for line in violations(tab)]
    assert found == []


def test_what_lies_over_a_page(site: Site) -> None:
    """Menus, the palette, filters and a dialog while they are open."""
    found = []
    with site.tab("workspace", OWNER) as tab:
        tab.goto(site.page("workspace", "admin:subscribers_subscriber_changelist").path)
        for button, part in (
            ("Alice Acme", "#account-menu"),
            ("Filters", "#changelist-filter"),
            ("Search Ctrl K", "#search-input-command"),
        ):
            tab.get_by_role("button", name=button).first.click()
            tab.locator(part).wait_for()
            found += [f"{button}: {line}" for line in violations(tab)]
            tab.keyboard.press("Escape")
            tab.locator(part).wait_for(state="hidden")
    with site.tab("workspace", OWNER, NARROW) as tab:
        tab.goto("/admin/")
        tab.get_by_role("button", name="Open the navigation").click()
        tab.locator("#nav-sidebar-apps").wait_for()
        found += [f"navigation: {line}" for line in violations(tab)]
    with site.tab("console", OWNER) as tab:
        tab.goto(site.page("console", "admin:instances_settings").path)
        tab.locator("[data-dialog]").last.click()
        tab.locator("dialog[open]").wait_for()
        found += [f"dialog: {line}" for line in violations(tab)]
    assert found == []
