"""Look at every sample page: `python -m dev.ui_check FOLDER [PAGE …]`.

Saves each at 360 and 1440 px, light and dark, and ends with an error when axe finds a violation,
a page is wider than the screen, or the browser's console shows an error (a breach of the strict
content security policy is one). Needs dev.ui_preview's requirements and a Chromium.
"""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, sync_playwright

SIZES = ((360, 740), (1440, 900))
CHROMIUM = os.environ.get("CHROMIUM", "/usr/bin/chromium")
ARGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


def free_port() -> int:
    """A port that nobody listens on."""
    with closing(socket.socket()) as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


@contextmanager
def preview() -> Iterator[str]:
    """The samples, served by a process of their own; yields their address."""
    port = free_port()
    command = [sys.executable, "-m", "dev.ui_preview", str(port)]
    address = f"http://127.0.0.1:{port}"
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as server:
        try:
            wait_for(f"{address}/names/")
            yield address
        finally:
            server.terminate()


def wait_for(address: str, seconds: float = 30) -> None:
    """Return when the address answers; raises TimeoutError when it does not in time."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            with urlopen(address):
                return
        except URLError:
            time.sleep(0.1)
    raise TimeoutError(f"{address} did not answer within {seconds:.0f} s")


def violations(page: Page, own: bool) -> Iterator[str]:
    """What axe objects to; in the admin only in our own pieces, the theme's are not ours to fix."""
    for violation in Axe().run(page).response["violations"]:
        for node in violation["nodes"]:
            if own or "dm-" in node["html"]:
                yield f"{violation['id']}: {node['html'][:120]}"


def faults(page: Page, name: str) -> Iterator[str]:
    """Everything wrong with the page now shown."""
    wider = page.evaluate("document.documentElement.scrollWidth - innerWidth")
    if wider > 0:
        yield f"{wider} px wider than the screen"
    yield from violations(page, own="admin" not in name)


def look(address: str, folder: Path, names: list[str]) -> list[str]:
    """Save the pictures; returns one line for each fault."""
    found: list[str] = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGS)
        for width, height in SIZES:
            for scheme in ("light", "dark"):
                page = browser.new_page(
                    viewport={"width": width, "height": height},
                    color_scheme=scheme,
                    reduced_motion="reduce",
                )
                said: list[str] = []
                page.on("console", lambda m, said=said: m.type == "error" and said.append(m.text))
                page.on("pageerror", lambda error, said=said: said.append(str(error)))
                for name in names:
                    label = f"{name}-{width}-{scheme}"
                    page.goto(f"{address}/{name}/")
                    page.screenshot(path=folder / f"{label}.png", full_page=True)
                    found += [f"{label}: {fault}" for fault in [*said, *faults(page, name)]]
                    said.clear()
                page.close()
        browser.close()
    return found


def main() -> int:
    """Exit status: 1 when a page has a fault."""
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    with preview() as address:
        names = sys.argv[2:] or urlopen(f"{address}/names/").read().decode().splitlines()
        found = look(address, folder, names)
    print(*found, sep="\n")
    print(f"{len(names)} pages, {len(found)} faults")
    return int(bool(found))


if __name__ == "__main__":
    sys.exit(main())
