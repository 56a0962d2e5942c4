"""What is served holds under daphne, and would under granian (ADR 032)."""

import json
import os
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from websockets.exceptions import InvalidStatus

from apps.accounts.models import User
from apps.notifications.services import topic_of
from apps.tenancy.kinds import schema_of
from apps.tenancy.live import announce
from tests.conftest import ACME
from tests.live_platform import until
from tests.pages.test_live_progress import session_of
from tests.server.web import COMMANDS, Web
from tests.server.web_urls import PARTS, PAUSE_S


@pytest.fixture(scope="module", params=sorted(COMMANDS))
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


@pytest.mark.parametrize("kind", sorted(COMMANDS))
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
