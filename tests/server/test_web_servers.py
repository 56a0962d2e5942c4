"""What is served holds under daphne, and would under granian (ADR 032)."""

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from pathlib import Path

import pytest
from django.db import connection
from websockets.exceptions import InvalidStatus
from websockets.sync.client import ClientConnection, connect

from apps.accounts.models import User
from apps.notifications.services import topic_of
from apps.tenancy.kinds import schema_of
from apps.tenancy.live import announce
from dev.ports import free_port
from dotmac.server.marks import OPEN_HEADER
from tests.conftest import ACME
from tests.live_platform import ROOT, until
from tests.pages.test_live_progress import session_of
from tests.server.web_urls import PARTS, PAUSE_S

_BIN = Path(sys.executable).parent
_COMMANDS = {
    "daphne": ["daphne", "--verbosity", "0", "-b", "127.0.0.1", "-p"],
    "granian": ["granian", "--no-log", "--interface", "asginl", "--port"],
}


class Web:
    """One web process."""

    def __init__(self, kind: str, folder: Path) -> None:
        self.kind, self.port = kind, free_port()
        program, *options = _COMMANDS[kind]
        settings = {"DJANGO_SETTINGS_MODULE": "tests.server.web_settings", "VAR_DIR": str(folder)}
        with (folder / "web.log").open("ab") as log:
            self.process = subprocess.Popen(
                [str(_BIN / program), *options, str(self.port), "config.server:application"],
                cwd=ROOT, env={**os.environ, **settings}, stdout=log, stderr=log,
                start_new_session=True,
            )  # fmt: skip
        until(self._answers, what="An answer")

    def _answers(self) -> bool:
        assert self.process.poll() is None
        try:
            return self.ask("/healthz").status == 200
        except OSError:
            return False

    def open(self, path: str, body: bytes | None = None, **head: str) -> http.client.HTTPResponse:
        """The beginning of an answer at Acme's console."""
        asked = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        headers = {"Host": ACME.console_host, **head}
        asked.request("GET" if body is None else "POST", path, body, headers)
        return asked.getresponse()

    def ask(self, path: str, body: bytes | None = None, **head: str) -> http.client.HTTPResponse:
        """The same, read to its end."""
        answer = self.open(path, body, **head)
        answer.text = answer.read()  # type: ignore[attr-defined]
        return answer

    def count(self) -> int:
        """How many requests it says are open."""
        return int(self.ask("/readyz").headers[OPEN_HEADER])

    def socket(self, session: str, origin: str = "") -> ClientConnection:
        """A browser's."""
        host = f"{ACME.console_host}:{self.port}"
        return connect(
            f"ws://{host}/ws/notifications/",
            sock=socket.create_connection(("127.0.0.1", self.port)),
            origin=origin or f"http://{host}",  # type: ignore[arg-type]
            additional_headers={"Cookie": f"sessionid={session}"},
        )

    def end(self) -> None:
        """All of it."""
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait(30)


@pytest.fixture(scope="module")
def database(open_live_database: Callable[[], AbstractContextManager[str]]) -> Iterator[str]:
    """With real commits, for the module."""
    with open_live_database() as url:
        yield url
        connection.close()


@pytest.fixture(scope="module", params=sorted(_COMMANDS))
def web(
    request: pytest.FixtureRequest, database: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Web]:
    """One of each kind."""
    made = Web(request.param, tmp_path_factory.mktemp(request.param))
    yield made
    made.end()


def test_bodies_headers_and_paths_arrive_as_they_are(web: Web) -> None:
    body = os.urandom(2_000_000)
    answer = web.ask("/try/%C3%A9cho/", body, X_Forwarded_For="1.2.3.4")
    assert answer.status == 200, answer.text  # type: ignore[attr-defined]
    assert answer.text == body  # type: ignore[attr-defined]
    names = [one.split("=")[0] for one in answer.headers.get_all("Set-Cookie") or []]
    assert names == ["first", "second"]
    # A name with an underscore could be forged to look like the edge's.
    assert (answer.headers["X-Told"], answer.headers["X-From"]) == ("", "127.0.0.1")


def test_a_stream_arrives_part_by_part_and_whole(web: Web, tmp_path: Path) -> None:
    began = time.perf_counter()
    answer = web.open(f"/try/parts/?note={tmp_path}/given-up")
    assert answer.readline() == b"0\n"
    assert time.perf_counter() - began < PARTS * PAUSE_S / 2
    assert answer.read().split()[-1] == b"%d" % (PARTS - 1)
    assert not (tmp_path / "given-up").exists()


def test_a_stream_that_nobody_hears_is_given_up(web: Web, tmp_path: Path) -> None:
    answer = web.open(f"/try/parts/?note={tmp_path}/given-up")
    answer.readline()
    answer.close()
    until((tmp_path / "given-up").exists, what="The end of the stream", seconds=10)
    until(lambda: web.count() == 0, what="The end of the request", seconds=10)


def test_open_requests_are_counted_and_kept_to_the_threads(web: Web) -> None:
    with ThreadPoolExecutor(3) as callers:
        answers = [callers.submit(web.ask, "/try/slow/?seconds=1.5") for _turn in range(3)]
        until(lambda: web.count() == 3, what="Three requests", seconds=10)
        threads = {json.loads(one.result().text)["thread"] for one in answers}  # type: ignore[attr-defined]
    assert len(threads) == 3
    assert all(name.startswith("http") for name in threads)
    assert web.count() == 0


def test_a_browser_hears_of_news_and_a_strange_page_does_not(web: Web) -> None:
    session = session_of(ACME.console)
    with web.socket(session) as browser:
        assert json.loads(browser.recv(10)) == {"changed": True}
        with schema_of(ACME.console):
            announce(topic_of(User.objects.latest("pk")))
        assert json.loads(browser.recv(10)) == {"changed": True}
        assert web.count() == 0
    with pytest.raises(InvalidStatus):
        web.socket(session, "http://evil.example")


@pytest.mark.parametrize("kind", sorted(_COMMANDS))
def test_it_ends_when_it_is_told_to_also_with_an_open_socket(
    kind: str, database: str, tmp_path: Path
) -> None:
    web = Web(kind, tmp_path)
    with web.socket(session_of(ACME.console)) as browser:
        browser.recv(10)
        web.process.terminate()
        web.process.wait(15)


def test_granian_answers_what_it_began_before_it_ends(database: str, tmp_path: Path) -> None:
    web = Web("granian", tmp_path)
    said: list[int] = []
    caller = threading.Thread(target=lambda: said.append(web.ask("/try/slow/?seconds=2").status))
    caller.start()
    until(lambda: web.count() == 1, what="A request", seconds=10)
    web.process.terminate()
    caller.join(30)
    assert said == [200]
    web.process.wait(15)
