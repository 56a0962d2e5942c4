"""`make screens`: drive a browser through the story and save numbered pictures in docs/screens/."""

import tempfile
from pathlib import Path

from tests.e2e.browser import chromium
from tests.e2e.console import Console
from tests.e2e.operator import Operator
from tests.e2e.shots import saved
from tests.e2e.story import Story
from tests.e2e.workspace import Workspace
from tests.live_platform import ROOT, LivePlatform

FOLDER = ROOT / "docs" / "screens"


def main() -> None:
    """Start a platform, take the pictures, and leave nothing behind."""
    for old in FOLDER.glob("*.png"):
        old.unlink()
    platform = LivePlatform(Path(tempfile.mkdtemp(prefix="dotmac-screens-")))
    try:
        platform.start()
        platform.manage("build_images")
        ports = platform.ports
        with chromium([ports["http"], ports["https"]]) as browser:
            tell(Story(platform, browser, saved(FOLDER)))
    finally:
        platform.stop()
        platform.remove_containers()


def tell(story: Story) -> None:
    """An ISP signs up and runs its business, and the operator looks at it."""
    story.sign_up()
    story.watch_deployment()
    story.open_workspace()
    story.shot("workspace-home", story.page)
    workspace = Workspace(story)
    workspace.make_plan()
    workspace.import_subscribers(1000, bad=3)
    subscriber = workspace.find("N-00042")
    workspace.suspend(subscriber)
    page = workspace.portal(workspace.invite(subscriber))
    workspace.sign_in_to_portal(page, "kari.dahl.42@example.org")
    story.shot("portal-home", page)
    console = Console(story)
    console.deploy_app()
    console.open_app()
    story.shot("instance", story.page)
    console.suspend("The team has moved to another calendar.")
    console.visit("notice-suspended", 503)
    story.shot("console-home", story.console())
    operator = Operator(story)
    operator.exist()
    operator.sign_in()
    operator.look_around()
    story.shot("operator-work", operator.open_work(f"Deploy {story.name}"))


if __name__ == "__main__":
    main()
