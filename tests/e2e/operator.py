"""The operator of the platform at work."""

import re
from dataclasses import dataclass

from playwright.sync_api import Page, expect

from tests.e2e.story import PASSWORD, Story, submit
from tests.live_platform import BASE

_MAKE = (
    "from apps.accounts.models import User; from apps.accounts.services import create_user;"
    " from apps.events.actors import SYSTEM; from apps.tenancy.kinds import operator;"
    " schema = operator(); schema.__enter__();"
    " User.objects.filter(email='{email}').exists() or create_user(email='{email}',"
    " password='{password}', name='Olivia Operator', is_verified=True, is_staff=True,"
    " is_superuser=True, actor=SYSTEM)"
)


@dataclass
class Operator:
    """Olivia, in a browser of her own."""

    story: Story
    password: str = PASSWORD

    def __post_init__(self) -> None:
        self.page: Page = self.story.new_page()

    @property
    def email(self) -> str:
        """The address that she signs in with."""
        return f"operator@{BASE}"

    def exist(self) -> None:
        """Make her account, as whoever sets the platform up does."""
        self.story.platform.manage(
            "shell", "-c", _MAKE.format(email=self.email, password=self.password)
        )

    def sign_in(self) -> None:
        """At the platform's own admin."""
        page = self.admin("")
        self.story.shot("operator-login", page)
        page.get_by_label("E-mail").fill(self.email)
        page.get_by_label("Password", exact=True).fill(self.password)
        submit(page)
        expect(page.get_by_role("link", name="Servers").first).to_be_visible()

    def admin(self, path: str) -> Page:
        """A page of the operator's admin."""
        self.page.goto(self.story.url(f"/admin/{path}"))
        return self.page

    def look_around(self) -> None:
        """Tenants, servers with their capacity, placements, routes, plans, catalogue."""
        self.story.shot("operator-home", self.admin(""))
        for name, path, text in (
            ("operator-organisations", "tenants/organisation/", self.story.name),
            ("operator-servers", "fleet/server/", "GiB"),
            ("operator-placements", "fleet/placement/", self.story.name),
            ("operator-routes", "fleet/route/", self.story.workspace_host),
            ("operator-plans", "billing/plan/", self.story.plan),
            ("operator-apps", "marketplace/app/", "Radicale"),
        ):
            page = self.admin(path)
            expect(page.locator("#result_list").get_by_text(text).first).to_be_visible()
            self.story.shot(name, page)
        self.admin("tenants/organisation/")
        self.page.locator("#result_list").get_by_role("link", name=self.story.name).first.click()
        self.story.shot("operator-organisation", self.page)

    def open_work(self, title: str) -> Page:
        """A piece of work with its steps, from the list of all schemas' work."""
        page = self.admin("work/due/")
        self.story.shot("operator-work", page)
        page.locator("#result_list").get_by_role("link", name=re.compile(title)).first.click()
        expect(page.locator("[data-operation]")).to_be_visible()
        return page

    def set_memory(self, mebibytes: str) -> str:
        """How much may be reserved on the server; returns how much it was."""
        page = self.admin("fleet/server/")
        page.locator("#result_list").get_by_role("link", name="local").first.click()
        field = page.get_by_label(re.compile(r"^memory \(MiB\)", re.I)).first
        before = field.input_value()
        field.fill(mebibytes)
        page.locator("button[name=_save], input[name=_save]").first.click()
        page.wait_for_url("**/fleet/server/")
        return before
