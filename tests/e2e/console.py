"""An ISP at its console: a second app, and an instance through its whole life."""

import re
from dataclasses import dataclass

from playwright.sync_api import Page, expect

from dotmac.engine.docker import DockerEngine
from tests.e2e.story import Story, deployed
from tests.live_platform import until


@dataclass
class Console:
    """A console whose owner is signed in on the story's page."""

    story: Story
    app: str = "radicale"
    # Its front door leads on to here.
    door: str = "/.web/"

    @property
    def page(self) -> Page:
        """The owner's."""
        return self.story.page

    @property
    def host(self) -> str:
        """Where the second app is."""
        return self.story.workspace_host.replace(".", f"--{self.app}.", 1)

    def deploy_app(self) -> None:
        """An app of the catalogue, by its manifest alone."""
        page = self.story.console("/admin/instances/instance/catalogue/")
        self.story.shot("catalogue", page)
        page.get_by_role("link", name="Deploy Radicale").click()
        page.get_by_label("Login name").fill("team")
        page.get_by_label("Password").fill("a-good-one-for-all")
        self.story.shot("install", page)
        page.get_by_role("button", name=re.compile("^Deploy ")).click()
        page.wait_for_url("**/operation/**")
        deployed(page)
        self.story.shot("app-deployed", page)

    def open_app(self) -> None:
        """To the app's page in the console."""
        page = self.story.console("/admin/instances/instance/")
        self.story.shot("instances", page)
        page.locator("#result_list tbody tr").filter(has_text=self.host).locator("a").first.click()
        expect(page.get_by_role("heading", level=2).first).to_be_visible()

    def stop(self) -> None:
        """From the head of its page."""
        self.page.get_by_role("button", name="Stop", exact=True).click()
        self.page.get_by_role("dialog").get_by_role("button", name=re.compile("^Stop ")).click()
        self._changed()

    def start(self, verb: str = "Start") -> None:
        """Start, or resume, from the head of its page."""
        self.page.get_by_role("button", name=verb, exact=True).click()
        self._changed()

    def suspend(self, reason: str) -> None:
        """From its settings, with a reason."""
        page = self._settings()
        self.story.shot("instance-settings", page)
        page.get_by_role("button", name="Suspend instance").click()
        dialog = page.get_by_role("dialog")
        dialog.get_by_label("Reason").fill(reason)
        self.story.shot("suspend-dialog", page)
        dialog.get_by_role("button", name="Suspend instance").click()
        self._changed()

    def archive(self) -> None:
        """From its settings, after typing its address."""
        page = self._settings()
        page.get_by_role("button", name="Archive instance").click()
        dialog = page.get_by_role("dialog")
        button = dialog.get_by_role("button", name="Archive instance")
        expect(button).to_be_disabled()
        dialog.get_by_role("textbox").fill(self.host)
        self.story.shot("archive-dialog", page)
        button.click()
        self._changed()

    def _settings(self) -> Page:
        """The tab of the settings, when its scripts have run: they open the dialogs."""
        self.page.get_by_role("link", name="Settings").click()
        self.page.wait_for_url("**/settings/")
        return self.page

    def _changed(self) -> None:
        """Wait for the operation's good end, then go back to the instance."""
        self.page.wait_for_url("**/operation/**")
        deployed(self.page)
        self.open_app()

    def visit(self, name: str, status: int) -> None:
        """What a visitor of the app's address gets: its status, and a picture."""
        platform = self.story.platform
        until(
            lambda: platform.get(self.host, self.door).status == status,
            what=f"{self.host} answering with {status}",
            seconds=30,
        )
        page = self.story.new_page()
        page.goto(self.story.url(self.door, host=self.host))
        self.story.shot(name, page)
        page.context.close()

    def containers(self) -> list[str]:
        """Containers of the app on the engine."""
        return [c.name for c in DockerEngine().containers(self._labels())]

    def volumes(self) -> list[str]:
        """Volumes of the app on the engine."""
        return [v.name for v in DockerEngine().volumes(self._labels())]

    def _labels(self) -> dict[str, str]:
        rows = self.story.platform.sql(
            "SELECT instance FROM fleet_route WHERE hostname = %s", self.host
        )
        return {"dotmac.instance": rows[0][0].hex}
