"""`make screens`: drive Chromium through the whole story and save docs/screens.

A platform of its own with the demonstration in it, so that nothing that runs here is disturbed.
The pictures of the front page (static/img) are taken on the way.
"""

import shutil
import sys
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

from playwright.sync_api import expect

from tests.e2e.browser import chromium
from tests.e2e.console import Console
from tests.e2e.operator import Operator
from tests.e2e.shots import WIDE, look, picture, saved
from tests.e2e.story import Story, deployed
from tests.e2e.workspace import Workspace
from tests.live_platform import LivePlatform

ROOT = Path(__file__).resolve().parents[2]
SCREENS, PICTURES = ROOT / "docs" / "screens", ROOT / "static" / "img"
DEMO_PASSWORD = "dotmac-demo"
# What the front page shows of the product, in CSS pixels.
_PICTURE = (1360, 800)


def main() -> int:
    """Start a platform, tell the story, and end it again."""
    shutil.rmtree(SCREENS, ignore_errors=True)
    with TemporaryDirectory(prefix="dotmac-screens-") as folder:
        platform = LivePlatform(Path(folder))
        try:
            _say("Starting a platform", platform.start)
            _say("Building the images", lambda: platform.manage("build_images"))
            _say("Filling in the demonstration", lambda: platform.manage("demo"))
            ports = platform.ports
            with chromium([ports["http"], ports["https"]]) as browser:
                _say("Sign-up and work", lambda: tell(Story(platform, browser, saved(SCREENS))))
        finally:
            platform.stop()
            platform.remove_containers()
    files = list(SCREENS.glob("*.png"))
    size = sum(file.stat().st_size for file in files) / 1e6
    print(f"  {len(files)} pictures in docs/screens, {size:.1f} MB")
    return 0


def tell(story: Story) -> None:
    """The story of docs/architecture.md's first slice, in its order."""
    portray(story)
    story.sign_up()
    story.watch_deployment()
    story.shot("console-home", story.console())
    story.console("/admin/operations/operation/1/change/")
    story.open_workspace()
    run_an_isp(story)
    run_a_second_app(story)
    starter(story)
    operate(story)


def portray(story: Story) -> None:
    """The demonstration's list of subscribers, for the front page."""
    acme = Story(story.platform, story.browser, story.shot, slug="acme", name="Acme Fiber")
    page = acme.sign_in(DEMO_PASSWORD)
    page.goto(acme.url("/sso/login/?next=/admin/", host=acme.workspace_host))
    page.get_by_role("link", name="Subscribers", exact=True).first.click()
    expect(page.locator("#result_list tbody tr")).to_have_count(50)
    for scheme in ("light", "dark"):
        look(page, _PICTURE, scheme)
        (PICTURES / f"subscribers-{scheme}.png").write_bytes(picture(page, is_whole=False))
    look(page, WIDE, "light")
    page.context.close()


def run_an_isp(story: Story) -> None:
    """A plan, a thousand subscribers, one of them suspended, who looks at the portal."""
    story.shot("workspace-new", story.page)
    workspace = Workspace(story)
    workspace.make_plan()
    workspace.import_subscribers(1000, bad=3)
    subscriber = workspace.find("N-00042")
    story.shot("subscriber", subscriber)
    workspace.suspend(subscriber)
    page = workspace.portal(workspace.invite(subscriber))
    workspace.sign_in_to_portal(page, "kari.dahl.42@example.org")
    story.shot("portal-suspended", page)
    back = workspace.find("N-00042", is_shown=False)
    back.get_by_role("button", name="Resume service").click()
    for name, path in (("home", "/"), ("services", "/services/"), ("account", "/account/")):
        page.goto(story.url(path, host=story.workspace_host))
        story.shot(f"portal-{name}", page)
    page.goto(story.url("/nowhere/", host=story.workspace_host))
    story.shot("not-found", page)
    page.context.close()
    story.shot("workspace-home", workspace.admin())
    story.shot("services", workspace.admin("/admin/subscribers/service/"))
    story.shot("people", workspace.admin("/admin/accounts/user/"))
    story.shot("events", workspace.admin("/admin/events/event/"))


def run_a_second_app(story: Story) -> None:
    """From the catalogue through all that can be done with an instance."""
    console = Console(story)
    console.deploy_app()
    console.visit("second-app", 200)
    console.open_app()
    story.shot("instance", story.page)
    story.page.get_by_role("link", name="Environment").click()
    story.shot("instance-environment", story.page)
    story.page.get_by_role("link", name="Overview").click()
    console.stop()
    story.shot("instance-stopped", story.page)
    console.visit("notice-stopped", 503)
    console.start()
    console.suspend("The team has moved to another calendar.")
    console.visit("notice-suspended", 503)
    console.start("Resume")
    console.archive()
    story.shot("instance-archived", story.page)
    console.visit("notice-archived", 503)


def starter(story: Story) -> None:
    """The console of an ISP whose workspace is shared."""
    hilltop = Story(story.platform, story.browser, story.shot, slug="hilltop")
    page = hilltop.sign_in(DEMO_PASSWORD)
    story.shot("starter-console", page)
    page.get_by_role("link", name="Hilltop Wireless workspace").first.click()
    story.shot("starter-instance", page)
    page.context.close()


def operate(story: Story) -> None:
    """What the operator sees, when all is well and when something has failed."""
    olivia = Operator(story, password=DEMO_PASSWORD)
    olivia.sign_in()
    olivia.look_around()
    story.shot("operator-work-detail", olivia.open_work(f"Deploy {story.name}"))
    room = olivia.set_memory("1300")
    page = story.console("/admin/instances/instance/")
    page.get_by_role("link", name=f"{story.name} workspace").click()
    page.get_by_role("button", name="Deploy", exact=True).click()
    expect(page.locator("[data-operation]")).to_have_attribute("data-status", "failed")
    story.shot("deployment-failed", page)
    story.shot("console-failed", story.console())
    story.shot("operator-home-needs", olivia.admin(""))
    olivia.set_memory(room)
    work = olivia.open_work(f"Deploy {story.name}")
    work.get_by_role("button", name="Try again").click()
    deployed(olivia.open_work(f"Deploy {story.name}"))


def _say(what: str, act: Callable[[], object]) -> None:
    started = time.monotonic()
    print(f"  {what} …", flush=True)
    act()
    print(f"  {what}: {time.monotonic() - started:.0f} s", flush=True)


if __name__ == "__main__":
    sys.exit(main())
