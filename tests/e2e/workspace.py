"""An ISP at work in its workspace, and a subscriber at its portal."""

import csv
import io
import re
from dataclasses import dataclass

from playwright.sync_api import Page, expect

from dotmac.engine.docker import DockerEngine
from tests.e2e.story import PASSWORD, Story
from tests.live_platform import until

_IMPORT_MS = 90_000
_SUBSCRIBERS = "/admin/subscribers/subscriber/"


@dataclass
class Workspace:
    """A workspace whose owner is signed in on the story's page."""

    story: Story
    plan: str = "Fiber 300"

    @property
    def page(self) -> Page:
        """The owner's."""
        return self.story.page

    def admin(self, path: str = "/admin/") -> Page:
        """A page of the workspace's admin."""
        self.page.goto(self.story.url(path, host=self.story.workspace_host))
        return self.page

    def make_plan(self) -> None:
        """A service plan with a price and two speeds."""
        page = self.admin("/admin/billing/plan/add/")
        page.get_by_label("Name").fill(self.plan)
        page.locator("button[name=_save], input[name=_save]").first.click()
        page.wait_for_url("**/version/")
        page.get_by_label("Currency").fill("NOK")
        page.get_by_label("Price").fill("499")
        page.get_by_label("Download, Mbit/s").fill("300")
        page.get_by_label("Upload, Mbit/s").fill("150")
        self.story.shot("plan", page)
        page.get_by_role("button", name="Publish version").click()
        expect(page.get_by_text("is published")).to_be_visible()

    def import_subscribers(self, count: int, *, bad: int) -> None:
        """A list of an old system: checked first, then the good rows brought in."""
        page = self.admin(f"{_SUBSCRIBERS}import/")
        self.story.shot("import", page)
        rows = subscribers_csv(count, bad=bad, plan=self.plan)
        page.get_by_label("CSV file").set_input_files(
            files=[{"name": "subscribers.csv", "mimeType": "text/csv", "buffer": rows}]
        )
        page.get_by_role("button", name="Check file").click()
        expect(page.get_by_text("Rows in error").first).to_be_visible(timeout=_IMPORT_MS)
        expect(page.get_by_text(f"Row {count - bad + 2}", exact=True)).to_be_visible()
        self.story.shot("import-checked", page)
        page.get_by_role("radio").or_(page.get_by_role("combobox")).first.wait_for()
        self._choose_good_rows(page)
        page.get_by_role("button", name=re.compile("^Import ")).click()
        expect(page.get_by_text(f"{count - bad:,} subscribers imported")).to_be_visible(
            timeout=_IMPORT_MS
        )
        self.story.shot("import-done", page)

    @staticmethod
    def _choose_good_rows(page: Page) -> None:
        mode = page.locator("select[name=mode]")
        if mode.count():
            mode.select_option(index=1)
        else:
            page.locator("input[name=mode]").nth(1).check()

    def find(self, number: str, *, is_shown: bool = True) -> Page:
        """A subscriber by number, from the list's search to the page."""
        page = self.admin(_SUBSCRIBERS)
        if is_shown:
            self.story.shot("subscribers", page)
        page.locator("#searchbar").fill(number)
        page.locator("#searchbar").press("Enter")
        expect(page.locator("#result_list tbody tr")).to_have_count(1)
        if is_shown:
            self.story.shot("subscriber-found", page)
        page.locator("#result_list tbody a").first.click()
        expect(page.get_by_text(number).first).to_be_visible()
        return page

    def suspend(self, page: Page) -> None:
        """Suspend the service on a subscriber's page for an unpaid invoice."""
        page.get_by_role("button", name="Suspend service").click()
        dialog = page.get_by_role("dialog")
        dialog.get_by_label("Reason").select_option("nonpayment")
        dialog.get_by_role("button", name="Suspend service").click()
        expect(page.get_by_text("Suspended").first).to_be_visible()
        self.story.shot("subscriber-suspended", page)

    def invite(self, page: Page) -> str:
        """Invite the subscriber of a page to the portal; the link of the mail."""
        page.get_by_role("button", name="Invite to the portal").click()
        expect(page.get_by_text("invitation is on its way")).to_be_visible()
        return str(until(self._invitation, what="The invitation", seconds=20))

    def _invitation(self) -> str | None:
        """The link of the newest mail that the workspace sent, in whichever mailbox it is."""
        texts = [file.read_text() for file in self.story.platform.folder.glob("mail/*.eml")]
        texts += _mails_inside(self.story)
        pattern = rf"https://{re.escape(self.story.workspace_host)}:\d+/accounts/password[^\s\"<>]+"
        found = [link for text in texts for link in re.findall(pattern, _unfolded(text))]
        return found[-1] if found else None

    def portal(self, link: str) -> Page:
        """The subscriber's own browser: chooses a password, signs in, sees the service."""
        page = self.story.new_page()
        page.goto(link)
        self.story.shot("portal-password", page)
        for field in page.locator("input[type=password]").all():
            field.fill(PASSWORD)
        page.get_by_role("button", name="Save password").click()
        page.wait_for_load_state()
        return page

    def sign_in_to_portal(self, page: Page, email: str) -> None:
        """With the password that was chosen."""
        page.goto(self.story.url("/", host=self.story.workspace_host))
        if page.get_by_label("E-mail").count():
            self.story.shot("portal-login", page)
            page.get_by_label("E-mail").fill(email)
            page.get_by_label("Password", exact=True).fill(PASSWORD)
            page.get_by_role("button", name="Sign in", exact=True).click()
        expect(page.get_by_role("heading", name=re.compile("^Hello "))).to_be_visible()


def subscribers_csv(count: int, *, bad: int = 0, plan: str = "") -> bytes:
    """Rows as an ISP's old system exports them; the last `bad` ones have a wrong e-mail."""
    text = io.StringIO()
    rows = csv.writer(text)
    rows.writerow(_COLUMNS)
    for i in range(1, count + 1):
        first, last = _FIRST[i % len(_FIRST)], _LAST[(i // len(_FIRST)) % len(_LAST)]
        email = "not an address" if i > count - bad else f"{first}.{last}.{i}@example.org".lower()
        street = f"{_STREETS[i % len(_STREETS)]} {i % 90 + 1}"
        rows.writerow([f"N-{i:05d}", f"{first} {last}", email, f"+47 400 {i:05d}", street, "0150",
                       "Oslo", "NO", plan, f"nw{i:05d}"])  # fmt: skip
    return text.getvalue().encode()


_COLUMNS = ("number", "name", "email", "phone", "street", "postcode", "city", "country", "plan",
            "username")  # fmt: skip
_FIRST = ("Astrid", "Bjorn", "Camilla", "Dag", "Eirik", "Frida", "Gunnar", "Hanne", "Ingrid",
          "Jonas", "Kari", "Lars", "Marit", "Nils", "Oda", "Petter")  # fmt: skip
_LAST = ("Aas", "Berg", "Dahl", "Eide", "Foss", "Haugen", "Lie", "Moen", "Nygaard", "Solberg",
         "Strand", "Vik")  # fmt: skip
_STREETS = ("Storgata", "Kirkeveien", "Fjordveien", "Havnegata", "Skolegata", "Bakkeveien")


def _mails_inside(story: Story) -> list[str]:
    """What a dedicated workspace without a mail server of its own keeps in its container."""
    engine = DockerEngine()
    rows = story.platform.sql(
        "SELECT instance FROM fleet_route WHERE hostname = %s", story.workspace_host
    )
    labels = {"dotmac.instance": rows[0][0].hex}
    webs = [c.name for c in engine.containers(labels) if "-web" in c.name]
    command = ("sh", "-c", "cat /media/mail/*.eml 2>/dev/null || true")
    return [engine.exec(name, command, timeout_s=20).output for name in webs]


def _unfolded(text: str) -> str:
    """Without the line breaks of quoted-printable."""
    return text.replace("=\n", "").replace("=\r\n", "").replace("=3D", "=")
