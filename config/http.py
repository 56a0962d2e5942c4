"""HTTP under ASGI, each request from its first line to its last in one of a few kept threads.

The framework's own handler takes a new thread for each request and goes to and fro between it and
the loop some ten times. No view here is asynchronous, so that is only cost: half of what a short
request takes.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from dataclasses import dataclass
from functools import partial
from typing import IO, Any

from django.core import signals
from django.core.exceptions import RequestAborted
from django.core.handlers.asgi import ASGIHandler, get_script_prefix
from django.core.handlers.base import BaseHandler
from django.http import FileResponse, HttpResponse
from django.http.response import HttpResponseBase
from django.urls import set_script_prefix

# As many requests are at work at once; more of them wait for their turn.
THREADS = 12
# Seconds after which a part of a stream that does not leave, as when the server stops, is given up.
_STALLED_S = 30

Message = Mapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]


@dataclass
class _Line:
    """The way back to who asked, for the thread; `is_cut` once nobody listens any more."""

    send: Send
    loop: asyncio.AbstractEventLoop
    is_cut: bool = False

    def say(self, message: Message) -> None:
        """Send one message and wait until it is on its way."""
        asyncio.run_coroutine_threadsafe(self._say(message), self.loop).result(_STALLED_S)

    async def _say(self, message: Message) -> None:
        await self.send(message)


class ThreadedHandler(ASGIHandler):
    """The framework's handler with a synchronous chain of middleware."""

    def __init__(self) -> None:
        # Past its parent, whose chain is asynchronous.
        BaseHandler.__init__(self)
        self.load_middleware(is_async=False)
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="http")

    async def __call__(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        """Read the request here, since a slow sender must not hold a thread; answer it there."""
        try:
            body = await self.read_body(receive)
        except RequestAborted:
            return
        loop = asyncio.get_running_loop()
        line = _Line(send, loop)
        work = partial(copy_context().run, self._serve, scope, body, line)
        served = loop.run_in_executor(self._threads, work)
        left = asyncio.create_task(self._hear(receive, line))
        try:
            for message in await asyncio.shield(served):
                await send(message)
        finally:
            line.is_cut = True
            left.cancel()

    @staticmethod
    async def _hear(receive: Receive, line: _Line) -> None:
        await receive()
        line.is_cut = True

    def _serve(self, scope: dict[str, Any], body: IO[bytes], line: _Line) -> list[Message]:
        """In a thread: what is left to send of the answer; of a stream that is nothing."""
        set_script_prefix(get_script_prefix(scope))
        signals.request_started.send(sender=self.__class__, scope=scope)
        try:
            response = self._response(scope, body)
            # Closing tells that the request is over, which gives back the connection.
            try:
                return self._messages(response, line)
            finally:
                response.close()
        finally:
            body.close()

    def _response(self, scope: dict[str, Any], body: IO[bytes]) -> HttpResponseBase:
        request, refusal = self.create_request(scope, body)
        if request is None:
            assert refusal is not None
            return refusal
        response = self.get_response(request)
        response._handler_class = self.__class__  # type: ignore[attr-defined]
        return response

    def _messages(self, response: HttpResponseBase, line: _Line) -> list[Message]:
        start = {
            "type": "http.response.start",
            "status": response.status_code,
            "headers": _headers(response),
        }
        if isinstance(response, HttpResponse):
            return [start, {"type": "http.response.body", "body": response.content}]
        if isinstance(response, FileResponse):
            response.block_size = self.chunk_size
        line.say(start)
        parts: Iterable[bytes] = response  # type: ignore[assignment]
        for part in parts:
            if line.is_cut:
                return []
            line.say({"type": "http.response.body", "body": bytes(part), "more_body": True})
        return [{"type": "http.response.body", "body": b""}]


def _headers(response: HttpResponseBase) -> list[tuple[bytes, bytes]]:
    found = [(name.encode("ascii"), value.encode("latin-1")) for name, value in response.items()]
    cookies = response.cookies.values()
    return [*found, *((b"Set-Cookie", one.output(header="").strip().encode()) for one in cookies)]
