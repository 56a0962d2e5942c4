"""An identity provider that is slow, endless or leads elsewhere holds nobody for long."""

import gzip
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
import requests

from apps.accounts.providers import net
from apps.accounts.providers.metadata import MetadataError, fetch
from apps.accounts.providers.net import GuardedSession, TooLongError, exchange
from apps.tenancy.kinds import schema_of
from dev.identity_provider import Provider
from tests.accounts.browser import Browser, text_of, way_out
from tests.accounts.federating import set_up
from tests.accounts.people import FRONT

# A busy machine takes longer than the deadline, and far less than the drips would.
SOON_S = 5.0
PACKED = gzip.compress(b" " * 5_000_000)


class Slow:
    """A provider that answers by its path, and says when it was cut off."""

    def __init__(self) -> None:
        self.was_cut = threading.Event()
        slow = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                try:
                    getattr(slow, self.path.split("/")[1])(self)
                except OSError:
                    slow.was_cut.set()

            def log_message(self, *args: Any) -> None:
                """Say nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"

    def head(self, handler: BaseHTTPRequestHandler) -> None:
        """A status line that never ends."""
        self._drip(handler, b"H")

    def body(self, handler: BaseHTTPRequestHandler) -> None:
        """An answer, a letter at a time."""
        self._begin(handler, 10_000)
        self._drip(handler, b" ")

    def flood(self, handler: BaseHTTPRequestHandler) -> None:
        """64 MB."""
        self._begin(handler, 64_000_000)
        for _turn in range(64):
            handler.wfile.write(b" " * 1_000_000)

    def packed(self, handler: BaseHTTPRequestHandler) -> None:
        """Much in little."""
        self._begin(handler, len(PACKED), "gzip")
        handler.wfile.write(PACKED)

    def elsewhere(self, handler: BaseHTTPRequestHandler) -> None:
        """A redirect whose body never ends."""
        handler.send_response(302)
        handler.send_header("location", f"{self.url}/quick")
        handler.send_header("content-length", "10000")
        handler.end_headers()
        self._drip(handler, b" ")

    def quick(self, handler: BaseHTTPRequestHandler) -> None:
        """What it should be."""
        self._begin(handler, 2)
        handler.wfile.write(b"{}")

    def _begin(self, handler: BaseHTTPRequestHandler, size: int, packing: str = "") -> None:
        handler.send_response(200)
        handler.send_header("content-length", str(size))
        if packing:
            handler.send_header("content-encoding", packing)
        handler.end_headers()

    def _drip(self, handler: BaseHTTPRequestHandler, letter: bytes) -> None:
        for _turn in range(300):
            handler.wfile.write(letter)
            time.sleep(0.1)


@pytest.fixture
def slow() -> Iterator[Slow]:
    """It listens."""
    made = Slow()
    threading.Thread(target=made.server.serve_forever, daemon=True).start()
    yield made
    made.server.shutdown()
    made.server.server_close()


@pytest.fixture
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    """A deadline that tests can wait for."""
    monkeypatch.setattr(net, "DEADLINE_S", 0.5)


@pytest.mark.usefixtures("short")
@pytest.mark.parametrize("way", ["head", "body"])
def test_who_drips_is_cut_off(slow: Slow, way: str) -> None:
    began = time.monotonic()
    with pytest.raises(requests.Timeout), GuardedSession() as session:
        session.get(f"{slow.url}/{way}")
    assert time.monotonic() - began < SOON_S
    assert slow.was_cut.wait(SOON_S)


@pytest.mark.parametrize("way", ["flood", "packed"])
def test_of_an_answer_a_bounded_part_is_read(slow: Slow, way: str) -> None:
    with pytest.raises(TooLongError), GuardedSession() as session:
        session.get(f"{slow.url}/{way}")


def test_nobody_is_followed_nor_their_answer_read(slow: Slow) -> None:
    began = time.monotonic()
    with pytest.raises(requests.TooManyRedirects), GuardedSession() as session:
        session.get(f"{slow.url}/elsewhere")
    assert time.monotonic() - began < SOON_S


def test_who_answers_is_read(slow: Slow) -> None:
    with GuardedSession() as session:
        assert session.get(f"{slow.url}/quick").json() == {}


@pytest.mark.usefixtures("short")
def test_a_worker_gives_metadata_up(slow: Slow) -> None:
    began = time.monotonic()
    with pytest.raises(MetadataError, match="Timeout"):
        fetch(f"{slow.url}/body")
    with pytest.raises(MetadataError, match="too long"):
        fetch(f"{slow.url}/packed")
    assert time.monotonic() - began < SOON_S


@pytest.mark.django_db
@pytest.mark.usefixtures("short")
def test_all_of_one_sign_in_has_one_deadline(slow: Slow) -> None:
    with exchange(), GuardedSession() as session:
        time.sleep(0.6)
        with pytest.raises(requests.Timeout):
            session.get(f"{slow.url}/quick")


@pytest.mark.django_db
@pytest.mark.usefixtures("short", "commits")
def test_a_page_does_not_wait_for_a_provider_that_drips(
    slow: Slow, provider: Provider, browser: Browser
) -> None:
    set_up(FRONT, provider, issuer=f"{slow.url}/body")
    began = time.monotonic()
    page = browser.submit(f"{FRONT}/accounts/oidc/office/login/?process=login")
    assert page.status_code in (200, 401)
    assert "Hilltop Office" in text_of(page) or "provider" in text_of(page).lower()
    assert time.monotonic() - began < SOON_S


@pytest.mark.django_db
@pytest.mark.usefixtures("commits")
def test_few_threads_wait_for_the_providers_of_one_schema(
    provider: Provider, browser: Browser
) -> None:
    set_up(FRONT, provider)
    address = f"{FRONT}/accounts/oidc/office/login/?process=login"
    with ExitStack() as others:
        with schema_of("public"):
            for _one in range(net.AT_ONCE):
                others.enter_context(exchange())
        assert 'http-equiv="refresh"' not in browser.submit(address, follow=False).text
    assert way_out(browser.submit(address, follow=False)).startswith(provider.url)
