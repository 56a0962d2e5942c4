"""What a person does with DotMac, as a browser does it; used by tests and by `make screens`."""

import re
from dataclasses import dataclass, field

from playwright.sync_api import Browser, Locator, Page, expect

from tests.e2e.browser import Shot, Watch, no_shot
from tests.e2e.shots import WIDE
from tests.live_platform import APPS, BASE, LivePlatform

PASSWORD = "a-long-enough-passphrase"
DEPLOY_MS = 150_000
_WAIT_MS = 30_000
# static/js/stepper.js asks every two seconds while it hears nothing.
_WITHOUT_POLLING = """
const repeat = window.setInterval;
window.setInterval = (act, ms, ...rest) => (ms === 2000 ? 0 : repeat(act, ms, ...rest));
"""


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

    def watched(self) -> "Story":
        """The same story, in which axe looks at every page that is shown."""
        self.shot = self.watch.audit
        return self

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

    def sign_in(self, password: str = PASSWORD) -> Page:
        """Into the console of somebody who has signed up before."""
        page = self.page
        page.goto(self.url("/accounts/login/"))
        page.get_by_label("E-mail").fill(self.email)
        page.get_by_label("Password", exact=True).fill(password)
        submit(page)
        page.wait_for_url(re.compile(f"//{re.escape(self.console_host)}:.*/admin/"))
        return page

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
        page.get_by_label("Region").select_option("local")
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

    def watch_deployment(self) -> list[str]:
        """From the console to the live page of the deployment, to its end.

        The messages of its WebSocket; without them the page stands still, for polling is off.
        """
        page, heard = self.page, list[str]()

        def hear(frame: str) -> None:
            heard.append(frame)

        page.on("websocket", lambda socket: socket.on("framereceived", hear))
        page.add_init_script(_WITHOUT_POLLING)
        self.shot("console-deploying", page)
        page.locator("a.dm-running").first.click()
        self.shot("deployment-running", page)
        deployed(page)
        self.shot("deployment-done", page)
        return heard

    def open_workspace(self) -> None:
        """By the button of the finished deployment, signed in on the way."""
        self.page.get_by_role("link", name=re.compile("^Open ")).first.click()
        self.page.wait_for_url(re.compile(f"//{re.escape(self.workspace_host)}:.*/admin/"))

    def sign_up_by_keyboard(self) -> None:
        """The same on the Starter plan with Tab, letters, arrows and Enter alone."""
        page = self.page
        page.goto(self.url("/"))
        press_to(page, page.get_by_role("link", name="Start trial").first)
        page.wait_for_url("**/signup/**")
        type_into(page, page.get_by_label("E-mail"), self.email)
        type_into(page, page.get_by_label("Password", exact=True), PASSWORD)
        page.keyboard.press("Enter")
        page.wait_for_url("**/signup/verify/")
        self._follow_mail()
        type_into(page, page.get_by_label("Name", exact=True), self.name)
        type_into(page, page.get_by_label("Address"), self.slug)
        page.keyboard.press("Enter")
        page.wait_for_url("**/signup/place/")
        type_into(page, page.get_by_label("Country"), "Nor")
        type_into(page, page.get_by_label("Region"), "This")
        press_to(page, page.get_by_role("button", name="Continue"))
        page.wait_for_url("**/signup/plan/")
        tab_to(page, page.get_by_role("radio", checked=True))
        while not page.get_by_role("radio", name="Starter").is_checked():
            page.keyboard.press("ArrowUp")
        press_to(page, page.get_by_role("button", name="Create organisation"))
        page.wait_for_url(re.compile(f"//{re.escape(self.console_host)}:.*/admin/"))


def tab_to(page: Page, target: Locator) -> None:
    """Press Tab until a control has the focus, and see that the focus can be seen."""
    for _press in range(40):
        if target.evaluate("node => node === document.activeElement"):
            assert target.evaluate("node => node.matches(':focus-visible')")
            return
        page.keyboard.press("Tab")
    raise AssertionError(f"Tab does not reach {target} on {page.url}")


def press_to(page: Page, target: Locator) -> None:
    """Reach a control by Tab and press Enter."""
    tab_to(page, target)
    page.keyboard.press("Enter")


def type_into(page: Page, target: Locator, text: str) -> None:
    """Reach a field by Tab, empty it, and type."""
    tab_to(page, target)
    if target.evaluate("node => node.matches('input')"):
        page.keyboard.press("ControlOrMeta+a")
    page.keyboard.type(text)


def submit(page: Page) -> None:
    """Send the form of the page and wait for the next."""
    before = page.url
    page.locator("main form button[type=submit][data-variant=primary]").last.click()
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
    link = row.get_by_role("link", name=re.compile(subject, re.I)).first
    # A worker sends it, a moment after the page that asked.
    for _turn in range(40):
        if link.count():
            break
        page.wait_for_timeout(250)
        page.reload()
    link.click()
