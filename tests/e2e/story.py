"""What a person does with DotMac, as a browser does it; used by tests and by `make screens`."""

import re
from dataclasses import dataclass, field

from playwright.sync_api import Browser, Page, expect

from tests.e2e.browser import Shot, Watch, no_shot
from tests.e2e.shots import WIDE
from tests.live_platform import APPS, BASE, LivePlatform

PASSWORD = "a-long-enough-passphrase"
DEPLOY_MS = 150_000
_WAIT_MS = 30_000


@dataclass
class Story:
    """One visitor's way from the front page to a running ISP."""

    platform: LivePlatform
    browser: Browser
    shot: Shot = no_shot
    slug: str = "northwind"
    name: str = "Northwind Fiber"
    plan: str = "Business"
    watch: Watch = field(default_factory=Watch)

    def __post_init__(self) -> None:
        self.page = self.new_page()

    def new_page(self) -> Page:
        """A browser with nobody signed in."""
        width, height = WIDE
        context = self.browser.new_context(
            ignore_https_errors=True,
            viewport={"width": width, "height": height},
            locale="en-GB",
            timezone_id="Europe/Oslo",
        )
        context.set_default_timeout(_WAIT_MS)
        context.on("page", self.watch.follow)
        return context.new_page()

    def url(self, path: str = "/", *, host: str = BASE) -> str:
        """A page on a host of the platform; workspaces are https."""
        if host.endswith(APPS):
            return f"https://{host}:{self.platform.ports['https']}{path}"
        return f"http://{host}:{self.platform.ports['http']}{path}"

    @property
    def console_host(self) -> str:
        """The host of the console."""
        return f"{self.slug}.{BASE}"

    @property
    def workspace_host(self) -> str:
        """The host of the workspace."""
        return f"{self.slug}.{APPS}"

    @property
    def email(self) -> str:
        """The owner's address."""
        return f"owner@{self.slug}.example"

    def console(self, path: str = "/admin/") -> Page:
        """A page of the console."""
        self.page.goto(self.url(path, host=self.console_host))
        return self.page

    def sign_up(self) -> None:
        """From the front page through five steps into the console."""
        page = self.page
        page.goto(f"http://localhost:{self.platform.ports['http']}/")
        expect(page).to_have_url(re.compile(f"//{re.escape(BASE)}:"))
        self.shot("front", page)
        page.get_by_role("link", name="Start trial").first.click()
        page.get_by_label("E-mail").fill(self.email)
        page.get_by_label("Password", exact=True).fill(PASSWORD)
        self.shot("signup-account", page)
        submit(page)
        self.shot("signup-verify", page)
        self._follow_mail()
        page.get_by_label("Name", exact=True).fill(self.name)
        page.get_by_label("Address").fill(self.slug)
        expect(page.get_by_text("is free")).to_be_visible()
        self.shot("signup-organisation", page)
        submit(page)
        with page.expect_response(re.compile("place/defaults")):
            page.get_by_label("Country").select_option(label="Norway")
        expect(page.get_by_label("Currency")).to_have_value("NOK")
        self.shot("signup-place", page)
        submit(page)
        page.get_by_role("radio", name=self.plan).check()
        self.shot("signup-plan", page)
        submit(page)
        page.wait_for_url(re.compile(f"//{re.escape(self.console_host)}:.*/admin/"))

    def _follow_mail(self) -> None:
        """Open the link in another tab, as a mail program does; the waiting page moves on."""
        mail = self.page.context.new_page()
        open_mail(self, mail, to=self.email, subject="Confirm")
        self.shot("mailbox", mail)
        mail.locator("a[href*='confirm-email']").first.click()
        mail.wait_for_url("**/signup/organisation/")
        mail.close()
        self.page.bring_to_front()
        self.page.wait_for_url("**/signup/organisation/")

    def watch_deployment(self) -> None:
        """From the console to the live page of the deployment, to its end."""
        page = self.page
        self.shot("console-deploying", page)
        page.locator("a.dm-running").first.click()
        self.shot("deployment-running", page)
        deployed(page)
        self.shot("deployment-done", page)

    def open_workspace(self) -> None:
        """By the button of the finished deployment, signed in on the way."""
        self.page.get_by_role("link", name=re.compile("^Open ")).first.click()
        self.page.wait_for_url(re.compile(f"//{re.escape(self.workspace_host)}:.*/admin/"))


def submit(page: Page) -> None:
    """Send the form of the page and wait for the next."""
    before = page.url
    page.locator("main form button[type=submit]").last.click()
    page.wait_for_url(lambda url: url != before)


def deployed(page: Page) -> None:
    """Wait on an operation's page for its good end."""
    operation = page.locator("[data-operation]")
    expect(operation).to_have_attribute("data-finished", "", timeout=DEPLOY_MS)
    expect(operation, operation.inner_text()).to_have_attribute("data-status", "done")


def open_mail(story: Story, page: Page, *, to: str, subject: str) -> None:
    """The newest mail to somebody, in the mailbox of development."""
    page.goto(story.url("/dev/mail/"))
    row = page.locator("tr, li").filter(has_text=to)
    row.get_by_role("link", name=re.compile(subject, re.I)).first.click()
