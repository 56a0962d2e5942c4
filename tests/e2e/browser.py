"""The system's Chromium, and what is watched in every page that it opens."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import urlsplit

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, ConsoleMessage, Page, Request, sync_playwright

from tests.e2e.quiet import quiet_browser

_CHROMIUM = "/usr/bin/chromium"
_ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
_AXE = Axe()
# The page of the second app is its maker's.
_THEIRS = {"second-app"}
# What fades in has less contrast on the way; what pulses for ever is not waited for. An icon is a
# word until its font is there.
_AT_REST = """
async () => {
  await document.fonts.ready;
  await new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)));
  await Promise.allSettled(
    document.getAnimations()
      .filter(one => one.effect.getComputedTiming().endTime !== Infinity)
      .map(one => one.finished)
  );
}
"""
# An init script of a page: how many sockets it opened, and with which codes they were closed.
SOCKETS_WATCHED = """
window.codes = [];
window.opened = 0;
const Real = window.WebSocket;
window.WebSocket = class extends Real {
  constructor(...given) {
    super(...given);
    this.addEventListener("open", () => { window.opened += 1; });
    this.addEventListener("close", (event) => window.codes.push(event.code));
  }
};
"""
Shot = Callable[[str, Page], None]


@contextmanager
def chromium(ports: Iterable[int]) -> Iterator[Browser]:
    """The system's Chromium, which reaches these ports of this machine."""
    with (
        TemporaryDirectory() as folder,
        quiet_browser(_CHROMIUM, ports, Path(folder)) as program,
        sync_playwright() as driver,
    ):
        browser = driver.chromium.launch(executable_path=program, args=_ARGUMENTS)
        try:
            yield browser
        finally:
            browser.close()


def at_rest(page: Page) -> None:
    """Wait until what moves or fades has come to its end."""
    page.evaluate(_AT_REST)


def no_shot(_name: str, _page: Page) -> None:
    """Where nobody looks."""


@dataclass
class Watch:
    """What must not happen in any page: errors, refused content, requests to elsewhere."""

    problems: list[str] = field(default_factory=list)
    audited: list[str] = field(default_factory=list)

    def follow(self, page: Page) -> None:
        """Listen to a page from now on."""
        page.on("pageerror", lambda error: self.problems.append(f"{page.url}: {error}"))
        page.on("console", lambda message: self._hear(page, message))
        page.on("request", self._see)

    def audit(self, name: str, page: Page) -> None:
        """Ask axe about a page; a Shot."""
        if name in _THEIRS:
            return
        self.audited.append(name)
        at_rest(page)
        for found in _AXE.run(page).response["violations"]:
            nodes = ", ".join(" ".join(map(str, node["target"])) for node in found["nodes"][:4])
            self.problems.append(f"{name} ({page.url}): axe {found['id']}: {nodes}")

    def assert_quiet(self) -> None:
        """Nothing of that happened since the last time that was asked."""
        found, self.problems[:] = list(dict.fromkeys(self.problems)), []
        assert not found, "\n".join(found)

    def _hear(self, page: Page, message: ConsoleMessage) -> None:
        address = message.location.get("url", "")
        # A page that answers 403 or 503 on purpose is reported as a resource that failed.
        is_the_page = message.text.startswith("Failed to load resource") and address == page.url
        if message.type == "error" and not is_the_page:
            self.problems.append(f"{page.url}: {message.text} ({address})")

    def _see(self, request: Request) -> None:
        url = urlsplit(request.url)
        host = url.hostname or ""
        if url.scheme in ("http", "https", "ws", "wss") and not host.endswith("localhost"):
            self.problems.append(f"request to {request.url}")
