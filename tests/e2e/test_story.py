"""An ISP signs up and runs its business; its subscriber, a second app, and the operator."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect

from tests.e2e.console import Console
from tests.e2e.operator import Operator
from tests.e2e.story import Story, deployed
from tests.e2e.workspace import Workspace
from tests.live_platform import LivePlatform

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(900)]
_IMPORTED, _BAD = 1000, 3


@pytest.fixture(scope="module")
def signed_up(live_platform: LivePlatform, browser: Browser) -> Story:
    """Northwind Fiber on the Business plan, in its console while the workspace is deployed."""
    story = Story(live_platform, browser).watched()
    story.sign_up()
    return story


@pytest.fixture(scope="module")
def messages(signed_up: Story) -> list[str]:
    """What the deployment page was told; afterwards the owner is in the workspace."""
    heard = signed_up.watch_deployment()
    signed_up.open_workspace()
    return heard


@pytest.fixture
def northwind(signed_up: Story, messages: list[str]) -> Iterator[Story]:
    """Northwind Fiber with its workspace; nothing may go wrong in any of its pages."""
    yield signed_up
    signed_up.watch.assert_quiet()


def test_the_deployment_page_follows_by_messages_alone(
    northwind: Story, messages: list[str]
) -> None:
    assert len(messages) >= 5
    expect(northwind.page).to_have_url(re.compile(rf"//{northwind.workspace_host}:\d+/admin/"))
    expect(northwind.page.get_by_text(northwind.email).first).to_be_visible()
    northwind.shot("workspace-home", northwind.page)


def test_an_isp_imports_a_thousand_subscribers_and_suspends_one(northwind: Story) -> None:
    workspace = Workspace(northwind)
    workspace.make_plan()
    workspace.import_subscribers(_IMPORTED, bad=_BAD)
    subscriber = workspace.find("N-00042")
    workspace.suspend(subscriber)
    page = workspace.portal(workspace.invite(subscriber))
    workspace.sign_in_to_portal(page, "kari.dahl.42@example.org")
    expect(page.get_by_role("heading", name="Your service is switched off")).to_be_visible()
    expect(page.get_by_text("An invoice is unpaid")).to_be_visible()
    expect(page.get_by_text("Fiber 300").first).to_be_visible()
    northwind.shot("portal-home", page)


def test_a_second_app_is_deployed_stopped_suspended_and_archived(northwind: Story) -> None:
    console = Console(northwind)
    console.deploy_app()
    console.visit("second-app", 200)
    console.open_app()
    northwind.shot("instance", northwind.page)
    console.stop()
    console.visit("notice-stopped", 503)
    console.start()
    console.suspend("The team has moved to another calendar.")
    console.visit("notice-suspended", 503)
    console.start("Resume")
    console.visit("second-app", 200)
    kept = console.volumes()
    console.archive()
    console.visit("notice-archived", 503)
    assert console.containers() == []
    assert kept
    assert console.volumes() == kept


def test_the_operator_sees_all_of_it(northwind: Story) -> None:
    olivia = Operator(northwind)
    olivia.exist()
    olivia.sign_in()
    olivia.look_around()
    page = olivia.open_work(f"Deploy {northwind.name}")
    expect(page.locator(".dm-step")).to_have_count(10)
    northwind.shot("operator-work-detail", page)


def test_the_operator_repeats_what_failed_and_cancels_what_waits(northwind: Story) -> None:
    olivia = Operator(northwind)
    olivia.exist()
    olivia.sign_in()
    room = olivia.set_memory("1000")
    page = northwind.console("/admin/instances/instance/")
    page.get_by_role("link", name=f"{northwind.name} workspace").click()
    page.get_by_role("button", name="Deploy", exact=True).click()
    expect(page.locator("[data-operation]")).to_have_attribute("data-status", "failed")
    expect(page.get_by_text("no room for another deployment").first).to_be_visible()
    northwind.shot("deployment-failed", page)
    northwind.shot("operator-home-needs", olivia.admin(""))
    olivia.set_memory(room)
    work = olivia.open_work(f"Deploy {northwind.name}")
    northwind.platform.kill("worker")
    work.get_by_role("button", name="Try again").click()
    work = olivia.open_work(f"Deploy {northwind.name}")
    work.get_by_role("button", name=re.compile("^Cancel")).click()
    northwind.platform.start_process("worker")
    expect(work.locator("[data-operation]")).to_have_attribute(
        "data-status", "cancelled", timeout=60_000
    )
    work.get_by_role("button", name="Start again").click()
    deployed(olivia.open_work(f"Deploy {northwind.name}"))
    assert northwind.platform.get(northwind.workspace_host, "/healthz").status == 200


def test_a_starter_workspace_is_there_at_once(visitor: Story) -> None:
    visitor.slug, visitor.name, visitor.plan = "brook", "Brook Wireless", "Starter"
    visitor.sign_up()
    expect(visitor.page.get_by_role("heading", name="Everything runs")).to_be_visible()
    visitor.shot("starter-console", visitor.page)
    visitor.page.get_by_role("link", name="Open the workspace").click()
    visitor.page.wait_for_url(re.compile(rf"//{re.escape(visitor.workspace_host)}:\d+/admin/"))
    visitor.shot("starter-workspace", visitor.page)


def test_signing_up_needs_no_mouse(visitor: Story) -> None:
    visitor.slug, visitor.name = "keys", "Keys Telecom"
    visitor.sign_up_by_keyboard()
    expect(visitor.page.get_by_role("heading", name="Everything runs")).to_be_visible()


def test_the_gallery_shows_every_component(visitor: Story) -> None:
    page = visitor.page
    page.goto(visitor.url("/dev/ui/"))
    visitor.shot("gallery", page)
    page.locator("#dialog").get_by_role("button", name="Delete instance").first.click()
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_role("button", name="Delete instance")).to_be_disabled()
    dialog.get_by_role("textbox").fill("acme")
    expect(dialog.get_by_role("button", name="Delete instance")).to_be_enabled()


def test_what_only_the_admin_has_works_in_the_gallery_too(visitor: Story) -> None:
    olivia = Operator(visitor)
    olivia.exist()
    olivia.sign_in()
    page = olivia.page
    page.goto(visitor.url("/dev/ui/admin/"))
    expect(page.get_by_role("heading", name="Design system: the admin")).to_be_visible()
    palette = page.locator("#search-input-command")
    expect(palette).to_be_hidden()
    page.get_by_role("main").get_by_role("button", name="Search").click()
    expect(palette).to_be_visible()
    page.keyboard.press("Escape")
    expect(palette).to_be_hidden()
    page.get_by_label("Choose Fiber 100").check()
    expect(page.get_by_label("Select action to run")).to_be_visible()
