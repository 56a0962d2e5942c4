"""Everything by keyboard, in Chromium: nothing is out of reach, unseen, or a trap."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page as Tab
from playwright.sync_api import expect

from tests.accessibility.conftest import NARROW, Site
from tests.accessibility.keys import has_focus, press_to, tab_to, way_through
from tests.accessibility.world import CUSTOMER, OWNER

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]

LIST, FORM = "/admin/subscribers/subscriber/", "/admin/accounts/role/1/change/"
PAGES = {
    "portal": ("workspace", CUSTOMER, "/"),
    "front": ("operator", "", "/"),
    "sign-in": ("workspace", "", "/accounts/login/"),
    "operator": ("operator", OWNER, "/admin/"),
    "console": ("console", OWNER, "/admin/"),
    "workspace": ("workspace", OWNER, "/admin/"),
    "list": ("workspace", OWNER, LIST),
    "form": ("workspace", OWNER, FORM),
}


@pytest.fixture
def workspace(site: Site) -> Iterator[Tab]:
    """The owner's browser in the workspace."""
    with site.tab("workspace", OWNER) as tab:
        yield tab


@pytest.mark.parametrize("name", PAGES)
def test_the_first_stop_leads_past_the_navigation_and_tab_to_the_end(site: Site, name: str) -> None:
    """On a phone; every page of a wide screen is walked through by test_axe."""
    kind, who, path = PAGES[name]
    with site.tab(kind, who, NARROW) as tab:
        tab.goto(path)
        stops, wrong = way_through(tab)
        assert wrong == []
        assert "Skip to content" in stops[0]
        tab.goto(path)
        skip, main = tab.get_by_role("link", name="Skip to content"), tab.locator("main")
        press_to(tab, skip)
        assert main.evaluate("node => node === document.activeElement")
        tab.keyboard.press("Tab")
        assert has_focus(main) or not main.locator("a, button, input").count()


def test_the_account_menu_with_theme_and_language(workspace: Tab) -> None:
    workspace.goto("/admin/")
    button = workspace.get_by_role("button", name="Alice Acme")
    menu = workspace.locator("#account-menu")
    press_to(workspace, button, "Space")
    expect(menu).to_be_visible()
    expect(button).to_have_attribute("aria-expanded", "true")
    workspace.keyboard.press("Tab")
    assert has_focus(menu)
    workspace.keyboard.press("Escape")
    expect(menu).to_be_hidden()
    expect(button).to_be_focused()
    workspace.keyboard.press("Enter")
    press_to(workspace, workspace.get_by_role("button", name="Dark"), "Space")
    expect(workspace.locator("html")).to_have_class(re.compile("dark"))
    expect(workspace.get_by_role("button", name="Dark")).to_have_attribute("aria-pressed", "true")
    press_to(workspace, menu.get_by_role("button", name="Français"))
    expect(workspace.locator("html")).to_have_attribute("lang", "fr")
    press_to(workspace, workspace.get_by_role("button", name="Alice Acme"))
    press_to(workspace, menu.get_by_role("button", name="English"))
    expect(workspace.locator("html")).to_have_attribute("lang", "en")


def test_an_open_page_turns_with_the_device(workspace: Tab) -> None:
    """All of it: the theme's ground and our pieces, and only where nobody chose."""
    workspace.goto("/admin/")
    page, ground = workspace.locator("html"), workspace.locator("#main")
    expect(ground).to_have_css("background-color", "rgb(255, 255, 255)")
    workspace.emulate_media(color_scheme="dark")
    expect(page).to_have_class(re.compile("dark"))
    expect(ground).not_to_have_css("background-color", "rgb(255, 255, 255)")
    workspace.emulate_media(color_scheme="light")
    expect(page).not_to_have_class(re.compile("dark"))
    workspace.emulate_media(color_scheme="dark")
    expect(page).to_have_class(re.compile("dark"))
    press_to(workspace, workspace.get_by_role("button", name="Alice Acme"))
    press_to(workspace, workspace.get_by_role("button", name="Light"))
    expect(page).not_to_have_class(re.compile("dark"))
    workspace.emulate_media(color_scheme="light")
    workspace.emulate_media(color_scheme="dark")
    workspace.wait_for_timeout(300)
    expect(page).not_to_have_class(re.compile("dark"))


def test_leaving_the_account_menu_closes_it(workspace: Tab) -> None:
    workspace.goto("/admin/")
    press_to(workspace, workspace.get_by_role("button", name="Alice Acme"))
    menu = workspace.locator("#account-menu")
    expect(menu).to_be_visible()
    for _press in range(10):
        workspace.keyboard.press("Tab")
    expect(menu).to_be_hidden()


def test_the_filters_keep_the_focus_and_give_it_back(workspace: Tab) -> None:
    workspace.goto(LIST)
    button = workspace.get_by_role("button", name="Filters", exact=True)
    sheet = workspace.get_by_role("dialog", name="Filters")
    press_to(workspace, button)
    expect(sheet).to_be_visible()
    expect(sheet.get_by_role("button", name="Close the filters")).to_be_focused()
    for key in ("Tab", "Shift+Tab"):
        for _press in range(30):
            workspace.keyboard.press(key)
            assert has_focus(sheet)
    workspace.keyboard.press("Escape")
    expect(sheet).to_be_hidden()
    expect(button).to_be_focused()
    workspace.keyboard.press("Space")
    expect(sheet).to_be_visible()
    press_to(workspace, sheet.get_by_role("link", name="Active").first)
    workspace.wait_for_url("**status__exact=active**")


def test_who_presses_escape_at_once_closes_the_filters(workspace: Tab) -> None:
    workspace.goto(LIST)
    button = workspace.get_by_role("button", name="Filters", exact=True)
    # Sooner than the focus has gone into the sheet.
    button.evaluate("""node => {
      node.focus();
      node.click();
      const options = { key: "Escape", bubbles: true };
      setTimeout(() => node.dispatchEvent(new KeyboardEvent("keydown", options)));
    }""")
    # Longer than the focus is on its way.
    workspace.wait_for_timeout(200)
    expect(workspace.get_by_role("dialog", name="Filters")).to_be_hidden()
    expect(button).to_be_focused()


def test_the_palette_finds_a_page_and_gives_the_focus_back(workspace: Tab) -> None:
    workspace.goto("/admin/")
    button = workspace.get_by_role("button", name=re.compile("^Search"))
    palette = workspace.get_by_role("dialog", name="Search")
    press_to(workspace, button)
    expect(workspace.locator("#search-input-command")).to_be_focused()
    for _press in range(5):
        workspace.keyboard.press("Tab")
        assert has_focus(palette)
    workspace.keyboard.press("Escape")
    expect(palette).to_be_hidden()
    expect(button).to_be_focused()
    workspace.keyboard.press("Control+k")
    expect(workspace.locator("#search-input-command")).to_be_focused()
    workspace.keyboard.type("Dora")
    expect(palette.get_by_role("link", name=re.compile("Dora")).first).to_be_visible()
    workspace.keyboard.press("ArrowDown")
    workspace.keyboard.press("Enter")
    workspace.wait_for_url("**/change/**")


def test_the_navigation_of_a_phone_keeps_the_focus_and_gives_it_back(site: Site) -> None:
    with site.tab("workspace", OWNER, NARROW) as tab:
        tab.goto("/admin/")
        button = tab.get_by_role("button", name="Open the navigation")
        layer = tab.locator("#nav-sidebar")
        press_to(tab, button)
        expect(layer).to_be_visible()
        expect(tab.get_by_role("dialog", name="Navigation")).to_have_count(1)
        expect(tab.locator("#navigation :focus")).to_have_count(1)
        for _press in range(40):
            tab.keyboard.press("Tab")
            assert has_focus(layer)
        tab.keyboard.press("Escape")
        expect(layer).to_be_hidden()
        expect(button).to_be_focused()
        tab.keyboard.press("Space")
        press_to(tab, layer.get_by_role("link", name="Subscribers", exact=True))
        tab.wait_for_url(f"**{LIST}")


def test_what_cannot_be_undone_is_confirmed_by_typing(site: Site) -> None:
    with site.tab("console", OWNER) as tab:
        tab.goto(site.page("console", "admin:instances_settings").path)
        opener = tab.locator("[data-dialog]").last
        dialog = tab.locator("dialog[open]")
        press_to(tab, opener)
        expect(dialog).to_be_visible()
        for _press in range(8):
            tab.keyboard.press("Tab")
            # Beyond its last control stands the browser's own frame.
            assert has_focus(dialog) or tab.evaluate("document.activeElement === document.body")
        tab.keyboard.press("Escape")
        expect(dialog).to_have_count(0)
        expect(opener).to_be_focused()
        tab.keyboard.press("Space")
        act = dialog.locator("[type=submit]")
        expect(act).to_be_disabled()
        typed = dialog.locator("input[name=confirm]")
        tab_to(tab, typed)
        tab.keyboard.type(str(dialog.locator("form").get_attribute("data-confirm")))
        expect(act).to_be_enabled()
        tab_to(tab, act)


def test_rows_are_chosen_opened_and_sorted(workspace: Tab) -> None:
    workspace.goto("/admin/accounts/invitation/")
    press_to(workspace, workspace.locator("input.action-select").first, "Space")
    chosen = workspace.locator("#changelist-actions select")
    tab_to(workspace, chosen)
    workspace.keyboard.press("ArrowDown")
    press_to(workspace, workspace.get_by_role("button", name="Run"))
    expect(workspace.locator("main")).to_contain_text("new@acme.example")
    workspace.goto(LIST)
    press_to(workspace, workspace.locator("thead a").first)
    workspace.wait_for_url("**?o=**")
    press_to(workspace, workspace.locator("#result_list tbody th a, #result_list tbody td a").first)
    workspace.wait_for_url("**/change/**")


def test_the_bell_and_the_portal_s_theme(site: Site) -> None:
    with site.tab("workspace", CUSTOMER) as tab:
        tab.goto("/")
        toggle = tab.locator("[data-theme-toggle]")
        press_to(tab, toggle, "Space")
        press_to(tab, toggle, "Space")
        expect(tab.locator("html")).to_have_class(re.compile("dark"))
        expect(toggle).to_have_attribute("aria-label", re.compile("dark"))
        tab.goto("/")
        press_to(tab, tab.locator("a.dm-bell"))
        tab.wait_for_url("**/notifications/")
