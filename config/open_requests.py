"""Who this process is and how many requests it has open, told with its readiness.

Whoever replaces it (dotmac.server) asks for /readyz through the edge to see whether requests
arrive here yet, and directly to see whether the last one has left. WebSockets do not count:
browsers open them again elsewhere.

An application sees a request once its body is there, and not whether its answer has left. What is
on the way before and after is known to the server alone (config.draining).
"""

import secrets
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from dotmac.server.marks import OPEN_HEADER, PROCESS_HEADER

_PATH = "/readyz"
# Added by the edge; what comes without it asked this process itself.
_FROM_OUTSIDE = b"x-forwarded-for"

Message = Mapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[dict[str, Any], Receive, Send], Awaitable[None]]


class Counted:
    """Counts the requests that an application has begun and not ended."""

    def __init__(self, application: Application) -> None:
        self.application = application
        self.on_the_line: Callable[[], int] = lambda: 0
        self._begun = 0
        self._mark = secrets.token_hex(8)

    async def __call__(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        """Serve one; what it counts is only touched by the loop's own thread."""
        if scope["path"] == _PATH:
            await self.application(scope, receive, self._telling(scope, send))
            return
        self._begun += 1
        try:
            await self.application(scope, receive, send)
        finally:
            self._begun -= 1

    @property
    def open(self) -> int:
        """How many have begun to arrive, are at work, or have not left yet."""
        return self._begun + self.on_the_line()

    def _telling(self, scope: dict[str, Any], send: Send) -> Send:
        """A way to answer that adds the headers: from outside, nobody learns how busy it is."""
        told = [(PROCESS_HEADER.lower().encode(), self._mark.encode())]
        if not any(name == _FROM_OUTSIDE for name, _value in scope["headers"]):
            told.append((OPEN_HEADER.lower().encode(), str(self.open).encode()))

        async def send_with(message: Message) -> None:
            if message["type"] == "http.response.start":
                message = {**message, "headers": [*message["headers"], *told]}
            await send(message)

        return send_with
