"""A page whose web process ends comes by itself to the one that follows, and is right there."""

import json
from contextlib import ExitStack
from pathlib import Path

import psycopg
from playwright.sync_api import expect

from apps.tenancy.live import CHANNEL
from config.draining import RESTARTS
from tests.conftest import ACME
from tests.e2e.browser import SOCKETS_WATCHED, chromium
from tests.pages.test_live_progress import make_operation, session_of
from tests.server.web import Web

# The operation's and the bell's.
SOCKETS = 2


def test_an_open_page_goes_over_to_the_web_process_that_follows(
    database: str, tmp_path: Path
) -> None:
    # Of a kind that no release knows any more: its page asks nothing of its subject.
    operation = make_operation("demo.forgotten").uuid
    session = session_of(ACME.console, is_staff=True)
    web = Web("daphne", tmp_path)
    site = f"http://{ACME.console_host}:{web.port}"
    note = json.dumps({"schema": ACME.console, "topic": str(operation)})
    # While the browser's driver runs, Django takes this thread for an event loop's.
    with (
        ExitStack() as ends,
        psycopg.connect(database, autocommit=True) as server,
        chromium([web.port]) as browser,
    ):
        ends.callback(web.end)
        context = browser.new_context(locale="en-GB")
        context.add_cookies([{"name": "sessionid", "value": session, "url": site}])
        page = context.new_page()
        page.add_init_script(SOCKETS_WATCHED)
        page.goto(f"{site}/operations/{operation}/")
        root = page.locator("[data-operation]")
        expect(root).to_have_attribute("data-status", "running")
        page.wait_for_function("wanted => window.opened === wanted", arg=SOCKETS)
        page.evaluate("() => { window.hasStayed = true; }")
        web.process.terminate()
        web.process.wait(15)
        ends.callback(Web("daphne", tmp_path, web.port).end)
        # The bell tries again after a minute at most.
        page.wait_for_function(
            "wanted => window.opened === wanted", arg=2 * SOCKETS, timeout=120_000
        )
        server.execute(
            f"UPDATE {ACME.console}.operations_operation"
            " SET status = 'succeeded', finished_at = now() WHERE uuid = %s",
            [operation],
        )
        server.execute("SELECT pg_notify(%s, %s)", [CHANNEL, note])
        expect(root).to_have_attribute("data-status", "done", timeout=30_000)
        assert page.evaluate("() => window.hasStayed")
        # The last one is closed by the page, which has nothing to wait for any more.
        assert page.evaluate("() => window.codes")[:SOCKETS] == [RESTARTS] * SOCKETS
