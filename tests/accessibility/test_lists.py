"""What stands beside a list: its columns and the drawer of a row, for everybody and every way."""

import pytest
from playwright.sync_api import Page as Tab
from playwright.sync_api import expect

from tests.accessibility.audit import violations
from tests.accessibility.conftest import NARROW, WIDE, Site
from tests.accessibility.keys import has_focus, press_to, tab_to
from tests.accessibility.world import OWNER

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]

LIST, LOG = "/admin/subscribers/subscriber/", "/admin/events/event/"
LOOKS = [(size, scheme) for size in (WIDE, NARROW) for scheme in ("light", "dark")]


def changed(tab: Tab) -> Tab:
    """The page of events with the drawer of one that has a before and an after."""
    tab.goto(LOG)
    tab.locator("tr", has_text="role.changed").locator("a[data-beside]").first.click()
    expect(tab.locator("#beside")).to_be_visible()
    return tab


@pytest.mark.parametrize(("size", "scheme"), LOOKS, ids=str)
def test_axe_finds_nothing_in_columns_and_drawer(
    site: Site, size: tuple[int, int], scheme: str
) -> None:
    with site.tab("workspace", OWNER, size, color_scheme=scheme) as tab:
        tab.goto(LIST)
        tab.locator(".dm-drop summary").click()
        found = violations(tab)
        found += violations(changed(tab))
    assert found == []


def test_columns_are_chosen_by_keyboard(site: Site) -> None:
    with site.tab("workspace", OWNER) as tab:
        tab.goto(LIST)
        button = tab.locator(".dm-drop summary")
        panel = tab.locator(".dm-drop__panel")
        press_to(tab, button)
        expect(panel).to_be_visible()
        tab.keyboard.press("Tab")
        assert has_focus(panel)
        tab.keyboard.press("Escape")
        expect(panel).to_be_hidden()
        expect(button).to_be_focused()
        tab.keyboard.press("Enter")
        press_to(tab, tab.get_by_label("Telephone"), "Space")
        press_to(tab, tab.get_by_label("External reference"), "Space")
        press_to(tab, tab.get_by_role("button", name="Show these"))
        heads = tab.locator("thead th")
        expect(heads.filter(has_text="Telephone")).to_have_count(0)
        expect(heads.filter(has_text="External reference")).to_be_visible()
        press_to(tab, tab.locator(".dm-drop summary"))
        press_to(tab, tab.get_by_role("button", name="Standard columns"))
        expect(heads.filter(has_text="Telephone")).to_be_visible()


def test_the_drawer_keeps_the_focus_the_place_and_the_address(site: Site) -> None:
    with site.tab("workspace", OWNER) as tab:
        tab.goto(f"{LOG}?o=-1")
        links = tab.locator("a[data-beside]")
        drawer, opener = tab.locator("#beside"), links.nth(1)
        press_to(tab, opener)
        expect(drawer).to_be_visible()
        page = str(opener.get_attribute("href")).partition("?")[0]
        assert page in tab.url
        for _press in range(12):
            tab.keyboard.press("Tab")
            # Beyond its last control stands the browser's own frame.
            assert has_focus(drawer) or tab.evaluate("document.activeElement === document.body")
        press_to(tab, drawer.get_by_role("button", name="Row after"))
        tab.wait_for_url(f"**{str(links.nth(2).get_attribute('href')).partition('?')[0]}**")
        expect(drawer.get_by_role("button", name="Row after")).to_be_focused()
        tab.keyboard.press("Escape")
        expect(drawer).to_have_count(0)
        tab.wait_for_url(f"**{LOG}?o=-1")
        expect(links.nth(2)).to_be_focused()


def test_back_closes_it_and_forward_opens_it(site: Site) -> None:
    with site.tab("workspace", OWNER) as tab:
        at = changed(tab).url
        title = tab.title()
        assert title.startswith("role.changed Desk | ")
        tab.go_back()
        expect(tab.locator("#beside")).to_have_count(0)
        assert tab.url.endswith(LOG)
        tab.go_forward()
        expect(tab.locator("#beside")).to_be_visible()
        assert (tab.url, tab.title()) == (at, title)
        # The address is the row's own page.
        tab.reload()
        expect(tab.locator("#beside")).to_have_count(0)
        expect(tab.locator("main")).to_contain_text("plans.view")


def test_a_row_that_cannot_be_shown_any_more_leads_to_its_page(site: Site) -> None:
    with site.tab("workspace", OWNER) as tab:
        tab.goto(LOG)
        tab.context.clear_cookies()
        tab_to(tab, tab.locator("a[data-beside]").first)
        tab.keyboard.press("Enter")
        tab.wait_for_url("**/login/**")


def test_a_list_without_javascript(site: Site) -> None:
    """It is searched, sorted, filtered and opened, and its columns are chosen."""
    with site.tab("workspace", OWNER, java_script_enabled=False) as tab:
        tab.goto(LIST)
        heads = tab.locator("thead th")
        tab.locator(".dm-drop summary").click()
        tab.get_by_label("Telephone").uncheck()
        tab.get_by_role("button", name="Show these").click()
        expect(heads.filter(has_text="Telephone")).to_have_count(0)
        tab.locator(".dm-drop summary").click()
        tab.get_by_role("button", name="Standard columns").click()
        expect(heads.filter(has_text="Telephone")).to_have_count(1)
        tab.locator("#searchbar").fill("Dora")
        tab.locator("#searchbar").press("Enter")
        tab.wait_for_url("**?q=Dora")
        expect(tab.locator("#result_list tbody tr")).to_have_count(1)
        heads.get_by_role("link").first.click()
        tab.wait_for_url("**o=**")
        tab.goto(LIST)
        tab.locator("#changelist-filter").get_by_role("link", name="Active").first.click()
        tab.wait_for_url("**status__exact=active**")
        tab.get_by_role("link", name="Take off the filter Status: Active").click()
        tab.wait_for_url(lambda url: "status" not in url)
        tab.goto(LOG)
        row = tab.locator("a[data-beside]").first
        at = str(row.get_attribute("href")).partition("?")[0]
        row.click()
        tab.wait_for_url(f"**{at}**")
        expect(tab.locator("main")).to_be_visible()
