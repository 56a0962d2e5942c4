"""A web process knows what it has open, and ends after what it began."""

import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from config.draining import END_S, RESTARTS
from tests.conftest import ACME
from tests.live_platform import until
from tests.pages.test_live_progress import session_of
from tests.server.web import Web, code_of
from tests.server.web_urls import LARGE

BODY = b"x" * 1_000_000
HALF = len(BODY) // 2


@pytest.fixture
def web(database: str, tmp_path: Path) -> Iterator[Web]:
    """One that a test may end."""
    made = Web("daphne", tmp_path)
    yield made
    made.end()


class Slow:
    """Who sends or reads as slowly as they like."""

    def __init__(self, web: Web, head: str) -> None:
        self.line = socket.socket()
        self.line.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8192)
        self.line.settimeout(30)
        self.line.connect(("127.0.0.1", web.port))
        self.line.sendall(f"{head}\r\nHost: {ACME.console_host}\r\n\r\n".encode())

    def read(self) -> tuple[bytes, int]:
        """The first line of the answer, and how many bytes its body has."""
        with self.line, self.line.makefile("rb") as answer:
            first, length = answer.readline(), 0
            while (line := answer.readline()) != b"\r\n":
                name, _, value = line.partition(b":")
                length = int(value) if name.lower() == b"content-length" else length
            return first, len(answer.read(length))


def upload(web: Web) -> Slow:
    """Half of a body is on its way."""
    one = Slow(web, f"POST /try/echo/ HTTP/1.1\r\nContent-Length: {len(BODY)}")
    one.line.sendall(BODY[:HALF])
    return one


def download(web: Web) -> Slow:
    """A large answer of which nothing is read yet; its view is done."""
    return Slow(web, "GET /try/large/ HTTP/1.1")


def test_a_request_is_open_from_its_first_byte_until_its_answer_has_left(web: Web) -> None:
    sender = upload(web)
    until(lambda: web.count() == 1, what="A request that arrives", seconds=10)
    sender.line.sendall(BODY[HALF:])
    assert sender.read() == (b"HTTP/1.1 200 OK\r\n", len(BODY))
    until(lambda: web.count() == 0, what="The end of the first", seconds=10)
    reader = download(web)
    until(lambda: web.count() == 1, what="An answer that leaves", seconds=10)
    time.sleep(1)
    assert web.count() == 1
    assert reader.read() == (b"HTTP/1.1 200 OK\r\n", LARGE)
    until(lambda: web.count() == 0, what="The end of the second", seconds=10)


def test_who_goes_away_half_way_is_not_waited_for(web: Web) -> None:
    sender, reader = upload(web), download(web)
    until(lambda: web.count() == 2, what="Two requests", seconds=10)
    for one in (sender, reader):
        one.line.close()
    until(lambda: web.count() == 0, what="The end of both", seconds=10)


def test_what_was_begun_is_ended_and_sockets_are_told_to_come_again(web: Web) -> None:
    with web.socket(session_of(ACME.console)) as browser:
        browser.recv(10)
        sender, reader = upload(web), download(web)
        until(lambda: web.count() == 2, what="Two requests", seconds=10)
        web.process.terminate()
        assert code_of(browser) == RESTARTS
    with pytest.raises(ConnectionRefusedError):
        web.ask("/healthz")
    sender.line.sendall(BODY[HALF:])
    assert sender.read() == (b"HTTP/1.1 200 OK\r\n", len(BODY))
    assert reader.read() == (b"HTTP/1.1 200 OK\r\n", LARGE)
    web.process.wait(5)


def test_it_ends_though_somebody_never_does(web: Web) -> None:
    sender = upload(web)
    until(lambda: web.count() == 1, what="A request", seconds=10)
    web.process.terminate()
    began = time.monotonic()
    web.process.wait(2 * END_S)
    assert time.monotonic() - began > END_S - 1
    sender.line.close()


def test_an_answer_that_is_read_late_is_whole(web: Web) -> None:
    reader = download(web)
    # By itself the server cuts off after 60 s and 15 more.
    time.sleep(80)
    assert reader.read() == (b"HTTP/1.1 200 OK\r\n", LARGE)
