"""An upgrade while somebody sends or reads slowly, a page is open, and an operation runs."""

import http.client
import json
import re
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest
from playwright.sync_api import Page, expect
from websockets.sync.client import connect

from config.draining import RESTARTS
from dotmac.server import edge, releases
from tests.e2e.browser import SOCKETS_WATCHED, Watch, chromium
from tests.live_platform import APPS, until
from tests.server.load import Connection, Site
from tests.server.machine import Machine
from tests.server.web import code_of

# The worker is waited for a minute before its work is handed on.
pytestmark = pytest.mark.timeout(900)
HOST = f"acme.{APPS}"
# More than lies on the way to who reads it slowly.
ROWS, CELL = 6000, "x" * 4000
LIST = 20_000
# So many that they are checked by a worker.
BUSY = 6000


class Program:
    """Somebody at Acme's workspace, through the edge, as slow as they like."""

    def __init__(self, site: Site, cookie: str = "") -> None:
        self.site = site
        self.context = ssl.create_default_context(cafile=str(site.authority))
        self.headers = {"Host": f"{HOST}:{site.port}"}
        self.headers |= {"Cookie": cookie} if cookie else {"Authorization": f"Bearer {site.key}"}

    def line(self) -> socket.socket:
        """A connection that takes little at once, without TLS yet."""
        plain = socket.socket()
        plain.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8192)
        plain.settimeout(120)
        plain.connect((self.site.address, self.site.port))
        return plain

    def begin(self, method: str, path: str, **more: str) -> http.client.HTTPConnection:
        """A request without its body."""
        asked = Connection(self.site, HOST, self.context)
        asked.sock = self.context.wrap_socket(self.line(), server_hostname=HOST)
        asked.putrequest(method, path, skip_host=True)
        for name, value in {**self.headers, **more}.items():
            asked.putheader(name, value)
        asked.endheaders()
        return asked

    def ask(self, method: str, path: str, said: Any = None) -> Any:
        """What is answered."""
        asked = Connection(self.site, HOST, self.context)
        asked.request(
            method, path, json.dumps(said), {**self.headers, "Content-Type": "application/json"}
        )
        answer = asked.getresponse()
        body = answer.read()
        assert answer.status < 300, body
        return json.loads(body)

    def bring(self, rows: int, name: str) -> dict[str, Any]:
        """A list of subscribers, once it is checked."""
        lines = (f"{name} {number},{name}-{number}" for number in range(rows))
        content = "\n".join(("name,external_id", *lines))
        made = self.ask("POST", "/api/v1/imports/", {"filename": f"{name}.csv", "content": content})
        return self.wait(made["id"], "checked")

    def wait(self, source: str, status: str) -> dict[str, Any]:
        """An import in this state."""

        def found() -> dict[str, Any] | None:
            one: dict[str, Any] = self.ask("GET", f"/api/v1/imports/{source}/")
            return one if one["status"] == status else None

        done: dict[str, Any] = until(found, what=f"The import’s state {status}", seconds=180)
        return done


@pytest.fixture
def cookie(machine: Machine, site: Site) -> dict[str, str]:
    """Of somebody who works at Acme."""
    return machine.act("sign_in", slug="acme", level="workspace")


@contextmanager
def upgrading(machine: Machine) -> Iterator[tuple[str, Future[Any]]]:
    """While another release is brought: its name, and what the command says at its end."""
    checkout = machine.next_checkout()
    with ThreadPoolExecutor(1) as doing:
        said = doing.submit(machine.run, "upgrade", RELEASE=str(checkout))
        yield releases.of_source(machine.options.layout, checkout).name, said
        assert said.result().returncode == 0, said.result().stdout


def serves_elsewhere(machine: Machine, before: str | None, said: Future[Any]) -> Callable[[], bool]:
    """Whether the edge leads away from a slot; what is to bring that about may not end before."""

    def found() -> bool:
        ended, elsewhere = said.done(), edge.serving(machine.options) != before
        assert elsewhere or not ended, said.result().stdout
        return elsewhere

    return found


def opened(machine: Machine, slot: str | None) -> int:
    """What the web process of a slot has open."""
    answer = edge.ask(machine.options, str(slot))
    return answer.open if answer else 0


def large_file(machine: Machine, program: Program) -> str:
    """The path of a file of many megabytes: an import's rows in error."""
    said = {"filename": "bad.csv", "content": "name,email\nDora,nonsense\n"}
    source = program.ask("POST", "/api/v1/imports/", said)["id"]
    machine.do(
        "INSERT INTO w_acme.subscribers_importrow"
        " (source_id, row, cells, number, external_id, username, errors, is_good)"
        f""" SELECT id, 9 + n, '["Dora", "{CELL}"]', '', '', '', '[]', false"""
        f" FROM w_acme.subscribers_subscriberimport, generate_series(1, {ROWS}) n"
        f" WHERE uuid = '{source}'"
    )
    return f"/admin/subscribers/subscriber/import/{source}/errors.csv"


def send_slowly(program: Program, go_on: threading.Event) -> dict[str, Any]:
    """A list of which the half is sent before something happens, and the rest some time after."""
    lines = "\n".join(f"{'Dora ' * 17}{number},slow-{number}" for number in range(LIST))
    body = json.dumps({"filename": "slow.csv", "content": f"name,external_id\n{lines}"}).encode()
    asked = program.begin(
        "POST", "/api/v1/imports/",
        **{"Content-Type": "application/json", "Content-Length": str(len(body))},
    )  # fmt: skip
    asked.send(body[: len(body) // 2])
    assert go_on.wait(300)
    left = body[len(body) // 2 :]
    for at in range(0, len(left), len(left) // 50 + 1):
        asked.send(left[at : at + len(left) // 50 + 1])
        time.sleep(0.4)
    answer = asked.getresponse()
    said = answer.read()
    assert answer.status == 201, said
    made: dict[str, Any] = json.loads(said)
    return made


def test_what_is_sent_and_read_slowly_ends_and_sockets_are_told_to_come_again(
    machine: Machine, site: Site, cookie: dict[str, str]
) -> None:
    program, slot, go_on = Program(site), edge.serving(machine.options), threading.Event()
    person = Program(site, f"{cookie['name']}={cookie['value']}")
    path = large_file(machine, program)
    host = f"{HOST}:{site.port}"
    with (
        connect(
            f"wss://{host}/ws/notifications/", sock=person.line(), ssl=person.context,
            server_hostname=HOST, origin=f"https://{host}",
            additional_headers={"Cookie": person.headers["Cookie"]},
        ) as browser,
        ThreadPoolExecutor(2) as callers,
    ):  # fmt: skip
        sent = callers.submit(send_slowly, program, go_on)
        reading = person.begin("GET", path)
        closed = callers.submit(code_of, browser, within_s=600)
        until(lambda: opened(machine, slot) >= 2, what="A list and a file on their way")
        with upgrading(machine) as (release, said):
            until(serves_elsewhere(machine, slot, said), what="The edge's turn", seconds=300)
            go_on.set()
            source = sent.result()
            assert not said.done()
            answer = reading.getresponse()
            assert answer.status == 200
            assert len(answer.read()) > ROWS * len(CELL)
        assert closed.result() == RESTARTS
    assert "still open" not in said.result().stdout
    assert program.wait(source["id"], "checked")["total_rows"] == LIST
    machine.runs(release)


def open_page(page: Page, site: Site, path: str, cookie: dict[str, str]) -> None:
    """A page of Acme's as the person, with its sockets watched."""
    page.add_init_script(SOCKETS_WATCHED)
    page.goto(f"https://{HOST}:{site.port}/accounts/login/")
    page.evaluate(
        "one => { document.cookie = `${one.name}=${one.value}; Secure; Path=/`; }", cookie
    )
    page.goto(f"https://{HOST}:{site.port}{path}")


def test_an_operation_goes_on_under_the_new_release_and_its_page_follows(
    machine: Machine, site: Site, cookie: dict[str, str]
) -> None:
    program, watch = Program(site), Watch()
    source = program.bring(BUSY, "busy")["id"]
    asked_work = "SELECT state, epoch FROM public.work_due WHERE subject = '{}'"
    with (
        chromium([site.port]) as browser,
        psycopg.connect(machine.environment["DATABASE_URL"]) as database,
    ):
        started = program.ask(
            "POST", f"/api/v1/imports/{source}/start/", {"mode": "all_or_nothing"}
        )
        # No further batch is written for as long as this holds the table.
        database.execute("LOCK TABLE w_acme.subscribers_subscriber IN SHARE MODE")
        operation = started["id"]
        page = browser.new_context(ignore_https_errors=True, locale="en-GB").new_page()
        watch.follow(page)
        open_page(page, site, f"/operations/{operation}/", cookie)
        root = page.locator("[data-operation]")
        expect(root).to_have_attribute("data-status", re.compile("running"), timeout=60_000)
        page.wait_for_function("() => window.opened >= 2")
        page.evaluate("window.hasStayed = true")
        with upgrading(machine) as (release, _said):
            pass
        page.wait_for_function("() => window.opened >= 4", timeout=60_000)
        codes = page.evaluate("window.codes")
        assert codes == [RESTARTS, RESTARTS]
        assert root.get_attribute("data-status") == "running"
        database.rollback()
        expect(root).to_have_attribute("data-status", "done", timeout=180_000)
        assert page.evaluate("window.hasStayed")
        watch.assert_quiet()
    done = program.wait(source, "imported")
    assert done["created_rows"] == BUSY
    rows = machine.sql(
        "SELECT count(DISTINCT external_id), count(*) FROM w_acme.subscribers_subscriber"
        " WHERE external_id LIKE 'busy-%'"
    )
    assert rows == [(BUSY, BUSY)]
    ((state, epoch),) = machine.sql(asked_work.format(operation))
    assert state == "done"
    # The worker of the release before had it, and that of the new one.
    assert epoch > 1
    machine.runs(release)
