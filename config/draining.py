"""daphne, which knows what it has open and ends without cutting that off.

By itself it takes no notice of a request whose body still arrives, nor of an answer that it took
and that has not left yet; it drops both when it ends, and closes WebSockets with a code of which
their standard says that no server sends it.
"""

import asyncio
import time
from typing import Any
from weakref import WeakSet

# First of all: with it comes the reactor.
from daphne import server as daphne
from daphne.http_protocol import WebRequest
from daphne.ws_protocol import WebSocketProtocol
from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.web.http import HTTPChannel

from config.asgi import requests

# As IANA lists codes of closed sockets: “service restart”.
RESTARTS = 1012
# Less than those wait who end it (dotmac.server.plan, config.isp.processes).
END_S = 6.0
_POLL_S = 0.05


class Socket(WebSocketProtocol):  # type: ignore[misc]
    """daphne's, which refuses to send the codes that a server may: 1012, and 1013 “try later”."""

    def serverClose(self, code: int | None = None) -> None:
        """Close an open socket."""
        self.sendCloseFrame(code=code or 1000)


class DrainingServer(daphne.Server):  # type: ignore[misc]
    """Lets what was begun come to its end."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._ports: list[Any] = []
        self._channels: WeakSet[HTTPChannel] = WeakSet()
        requests.on_the_line = self._on_the_line

    def run(self) -> None:
        """Serve until SIGTERM."""
        reactor.callWhenRunning(self._begin)  # type: ignore[attr-defined]
        super().run()

    def _begin(self) -> None:
        self.ws_factory.protocol = Socket
        # It would begin when an answer is taken, and cut off who reads it for longer. The edge has
        # limits of its own, and nobody else comes here.
        self.http_factory.timeOut = None

    def listen_success(self, port: Any) -> None:
        """Remember where it listens."""
        super().listen_success(port)
        self._ports.append(port)

    def protocol_connected(self, protocol: Any) -> None:
        """Remember the connection of a request, which outlasts it."""
        super().protocol_connected(protocol)
        if isinstance(protocol, WebRequest):
            self._channels.add(protocol.channel)

    def _on_the_line(self) -> int:
        """Requests that still arrive, and answers that have not left yet."""
        arriving = sum(
            isinstance(one, WebRequest) and one.application_queue is None for one in self._open()
        )
        return arriving + sum(map(_is_leaving, self._channels))

    def _open(self) -> list[Any]:
        return [one for one, known in self.connections.items() if "disconnected" not in known]

    def kill_all_applications(self) -> "Deferred[Any]":
        """What daphne does before it ends; first what is open comes to its end, if it soon does."""
        ended = Deferred.fromFuture(asyncio.ensure_future(self._drain()))
        return ended.addBoth(lambda _outcome: self._kill_the_rest())

    def _kill_the_rest(self) -> Any:
        # It would stumble on those that never came to an application.
        nothing = asyncio.get_running_loop().create_future()
        nothing.set_result(None)
        for known in self.connections.values():
            known.setdefault("application_instance", nothing)
        return super().kill_all_applications()

    async def _drain(self) -> None:
        for port in self._ports:
            port.stopListening()
        end = time.monotonic() + END_S
        while time.monotonic() < end:
            sockets = [one for one in self._open() if isinstance(one, WebSocketProtocol)]
            # Also those that were just being opened.
            for socket in sockets:
                if socket.state == socket.STATE_OPEN:
                    socket.serverClose(RESTARTS)
            if not sockets and not requests.open:
                return
            await asyncio.sleep(_POLL_S)


def _is_leaving(channel: HTTPChannel) -> bool:
    """Whether a connection holds something that it has not sent, of which Twisted tells nobody."""
    line = channel.transport
    if line is None or not line.connected:
        return False
    return bool(len(line.dataBuffer) - line.offset + line._tempDataLen)
