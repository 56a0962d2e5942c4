"""What a person does with DotMac, as a browser does it; used by tests and by `make screens`."""

import csv
import io
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.live_platform import APPS, BASE, LivePlatform

PASSWORD = "a-long-enough-passphrase"
_ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
_DEPLOY_MS = 120_000
Shot = Callable[[str, Page], None]


@contextmanager
def chromium() -> Iterator[Browser]:
    """The system's Chromium."""
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path="/usr/bin/chromium", args=_ARGUMENTS)
        yield browser
        browser.close()


@dataclass
class Story:
    """One visitor's way from the front page to a running ISP."""

    platform: LivePlatform
    browser: Browser
    shot: Shot = field(default=lambda _name, _page: None)
    slug: str = "northwind"
    plan: str = "Business"

    def __post_init__(self) -> None:
        self.page = self.new_page()

    def new_page(self) -> Page:
        """A browser with nobody signed in."""
        context = self.browser.new_context(
            ignore_https_errors=True, viewport={"width": 1440, "height": 900}
        )
        page = context.new_page()
        page.set_default_timeout(20_000)
        return page

    def url(self, path: str = "/", *, host: str = BASE) -> str:
        """A page on a host of the platform; workspaces are https."""
        if host.endswith(APPS):
            return f"https://{host}:{self.platform.ports['https']}{path}"
        return f"http://{host}:{self.platform.ports['http']}{path}"

    @property
    def workspace(self) -> str:
        """The host of the workspace."""
        return f"{self.slug}.{APPS}"

    @property
    def email(self) -> str:
        """The owner's address."""
        return f"owner@{self.slug}.example"

    def sign_up(self) -> None:
        """From the front page through five steps into the console."""
        page = self.page
        page.goto(f"http://localhost:{self.platform.ports['http']}/")
        expect(page).to_have_url(re.compile(f"//{re.escape(BASE)}:"))
        self.shot("front", page)
        page.goto(self.url("/signup/"))
        page.get_by_label("E-mail").fill(self.email)
        page.locator("input[type=password]").fill(PASSWORD)
        self.shot("signup-account", page)
        self._submit(page)
        self.shot("signup-verify", page)
        self._follow_mail()
        page.get_by_label("Name", exact=True).fill("Northwind Fiber")
        page.get_by_label("Address").fill(self.slug)
        page.wait_for_timeout(700)
        self.shot("signup-organisation", page)
        self._submit(page)
        page.get_by_label("Country").select_option(label="Norway")
        page.wait_for_timeout(500)
        self.shot("signup-place", page)
        self._submit(page)
        page.get_by_text(self.plan, exact=True).first.click()
        self.shot("signup-plan", page)
        self._submit(page)
        page.wait_for_url(re.compile(f"//{self.slug}\\.{re.escape(BASE)}:"))

    def _follow_mail(self) -> None:
        mail = self.page.context.new_page()
        mail.goto(self.url("/dev/mail/"))
        mail.get_by_role("link").filter(has_text=re.compile("onfirm")).first.click()
        self.shot("mailbox", mail)
        link = mail.locator("a[href*='confirm-email']").first.get_attribute("href")
        mail.close()
        assert link is not None
        self.page.goto(link)

    def _submit(self, page: Page) -> None:
        before = page.url
        page.locator("main form button[type=submit]").last.click()
        page.wait_for_url(lambda url: url != before)

    def watch_deployment(self) -> None:
        """From the console to the live page of the deployment, to its end."""
        page = self.page
        self.shot("console-deploying", page)
        page.goto(self.url("/admin/operations/operation/", host=f"{self.slug}.{BASE}"))
        page.locator("#result_list tbody a").first.click()
        self.shot("deployment-running", page)
        expect(page.locator("[data-operation][data-status=done]")).to_be_visible(
            timeout=_DEPLOY_MS
        )
        self.shot("deployment-done", page)

    def open_workspace(self) -> None:
        """By the button of the finished deployment, signed in on the way."""
        self.page.get_by_role("link", name=re.compile("^Open ")).first.click()
        self.page.wait_for_url(re.compile(f"//{re.escape(self.workspace)}:.*/admin/"))
        self.shot("workspace-home", self.page)

    def console(self, path: str = "/admin/") -> None:
        """A page of the console."""
        self.page.goto(self.url(path, host=f"{self.slug}.{BASE}"))

    def deploy_second_app(self) -> None:
        """An app of the catalogue, by its manifest alone."""
        page = self.page
        self.console("/admin/instances/instance/catalogue/")
        self.shot("catalogue", page)
        page.get_by_role("link", name=re.compile("^Deploy")).first.click()
        self.shot("install", page)
        page.get_by_role("button", name=re.compile("^Deploy")).click()
        expect(page.locator("[data-operation][data-status=done]")).to_be_visible(
            timeout=_DEPLOY_MS
        )
        self.shot("second-app-deployed", page)


def subscribers_csv(count: int, *, bad: int = 0) -> bytes:
    """Rows as an ISP's old system exports them; the last `bad` ones have a wrong e-mail."""
    text = io.StringIO()
    rows = csv.writer(text)
    rows.writerow(["number", "name", "email", "phone", "street", "postcode", "city", "country"])
    for i in range(1, count + 1):
        email = "not an address" if i > count - bad else f"person{i}@example.org"
        rows.writerow(
            [f"N-{i:05d}", f"Person {i}", email, f"+47 400 {i:05d}", f"Fjord road {i}", "0150",
             "Oslo", "NO"]
        )
    return text.getvalue().encode()


def saved(folder: Path) -> Shot:
    """Save numbered screenshots at 360 and 1440 px, light and dark."""
    folder.mkdir(parents=True, exist_ok=True)
    counter = iter(range(1, 1000))

    def shoot(name: str, page: Page) -> None:
        number = next(counter)
        for width, height in ((1440, 900), (360, 780)):
            page.set_viewport_size({"width": width, "height": height})
            for scheme in ("light", "dark"):
                page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
                page.wait_for_timeout(120)
                page.screenshot(
                    path=str(folder / f"{number:02d}-{name}-{width}-{scheme}.png"), full_page=True
                )
        page.set_viewport_size({"width": 1440, "height": 900})
        page.emulate_media(color_scheme="light")

    return shoot
