"""Requests in kept threads: whole answers, streams, who goes away, and tenants kept apart."""

import asyncio
import threading
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import pytest
from channels.testing import HttpCommunicator
from django.db import connections
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.utils import translation

from config.http import THREADS, ThreadedHandler
from tests.conftest import ACME, INITECH

Answer = Callable[[HttpRequest], HttpResponseBase]
SOON_S = 60.0


class Handler(ThreadedHandler):
    """With an answer of the test's instead of the site's."""

    def __init__(self, answer: Answer) -> None:
        super().__init__()
        self.get_response = answer


def ask(
    handler: ThreadedHandler, path: str = "/", *, method: str = "GET", body: bytes = b"", host: str
) -> Awaitable[dict[str, Any]]:
    """What is answered in full: status, headers, body."""
    headers = [(b"host", host.encode()), (b"x-forwarded-proto", b"https")]
    return HttpCommunicator(handler, method, path, body, headers).get_response(SOON_S)


@pytest.fixture(autouse=True)
def _no_connection_left() -> Iterator[None]:
    yield
    connections.close_all()


def test_tenants_asked_at_once_are_kept_apart(live_database: str) -> None:
    """Many more than there are threads, of two ISPs: each gets the page of its own."""

    async def scene() -> list[dict[str, Any]]:
        handler = ThreadedHandler()
        hosts = [ACME.workspace_host, INITECH.workspace_host] * (2 * THREADS)
        return await asyncio.gather(
            *(ask(handler, "/accounts/login/", host=host) for host in hosts)
        )

    answers = asyncio.run(scene())
    assert {answer["status"] for answer in answers} == {200}
    for number, answer in enumerate(answers):
        ours, theirs = (ACME, INITECH) if number % 2 == 0 else (INITECH, ACME)
        assert ours.name.encode() in answer["body"]
        assert theirs.name.encode() not in answer["body"]


def test_a_failing_page_is_answered_with_the_page_of_an_error(live_database: str) -> None:
    async def scene() -> dict[str, Any]:
        return await ask(ThreadedHandler(), "/no/such/page/", host=ACME.workspace_host)

    answer = asyncio.run(scene())
    assert answer["status"] == 404
    assert b"<html" in answer["body"]


def test_a_long_body_arrives_whole() -> None:
    def answer(request: HttpRequest) -> HttpResponse:
        return HttpResponse(str(len(request.read())), headers={"X-Method": str(request.method)})

    sent = b"x" * 5_000_000
    told = asyncio.run(_with(answer, lambda one: ask(one, method="PUT", body=sent, host="a")))
    assert told["body"] == b"5000000"
    assert (b"X-Method", b"PUT") in told["headers"]


def test_cookies_leave_one_by_one() -> None:
    def answer(_request: HttpRequest) -> HttpResponse:
        response = HttpResponse("ok")
        response.set_cookie("one", "1", httponly=True)
        response.set_cookie("two", "2")
        return response

    told = asyncio.run(_with(answer, lambda one: ask(one, host="a")))
    cookies = [value for name, value in told["headers"] if name == b"Set-Cookie"]
    assert len(cookies) == 2
    assert cookies[0].startswith(b"one=1")
    assert b"HttpOnly" in cookies[0]


def test_a_stream_leaves_part_by_part_from_one_thread() -> None:
    seen = set()

    def parts() -> Iterator[bytes]:
        for number in range(20):
            seen.add(threading.get_ident())
            yield f"{number},".encode()

    told = asyncio.run(
        _with(lambda _request: StreamingHttpResponse(parts()), lambda one: ask(one, host="a"))
    )
    assert told["body"] == b"".join(f"{number},".encode() for number in range(20))
    assert len(seen) == 1
    assert seen != {threading.get_ident()}


def test_a_stream_ends_when_nobody_listens_any_more() -> None:
    closed = threading.Event()

    def parts() -> Iterator[bytes]:
        try:
            while True:
                yield b"x" * 1000
        finally:
            closed.set()

    async def scene() -> None:
        asked = _scope_of("a")
        seen = HttpCommunicator(Handler(lambda _request: StreamingHttpResponse(parts())), **asked)
        await seen.send_input({"type": "http.request", "body": b""})
        assert (await seen.receive_output(SOON_S))["type"] == "http.response.start"
        await seen.receive_output(SOON_S)
        await seen.send_input({"type": "http.disconnect"})
        await seen.wait(SOON_S)

    asyncio.run(scene())
    assert closed.wait(SOON_S)


def test_who_leaves_before_all_is_sent_is_not_answered() -> None:
    answered = threading.Event()

    def answer(_request: HttpRequest) -> HttpResponse:
        answered.set()
        return HttpResponse("done")

    async def scene() -> None:
        seen = HttpCommunicator(Handler(answer), **_scope_of("a", method="POST"))
        await seen.send_input({"type": "http.request", "body": b"half", "more_body": True})
        await seen.send_input({"type": "http.disconnect"})
        await seen.wait(SOON_S)
        assert await seen.receive_nothing()

    asyncio.run(scene())
    assert not answered.is_set()


def test_nothing_of_a_request_stays_in_its_thread() -> None:
    spoken = []

    def answer(_request: HttpRequest) -> HttpResponse:
        spoken.append(translation.get_language())
        translation.activate("fr")
        return HttpResponse("ok")

    async def both(handler: ThreadedHandler) -> None:
        await ask(handler, host="a")
        await ask(handler, host="a")

    asyncio.run(_with(answer, both))
    assert spoken == ["en", "en"]


def _scope_of(host: str, method: str = "GET") -> dict[str, Any]:
    return {"method": method, "path": "/", "headers": [(b"host", host.encode())]}


async def _with(answer: Answer, act: Callable[[ThreadedHandler], Awaitable[Any]]) -> Any:
    return await act(Handler(answer))
