"""A real HTTP server that receives webhooks, well or badly."""

import socket
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class _Server(ThreadingHTTPServer):
    # Five, which is its default, is less than are sent at once: the kernel drops what comes then,
    # and the sender's asks again only a second later.
    request_queue_size = 128
    daemon_threads = True


class Receiver:
    """Where webhooks arrive; `ways` says how the next requests are answered, then 200."""

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        self.got: list[tuple[str, dict[str, str], bytes]] = []
        self.at: list[float] = []
        self.ways: list[str] = []
        self.always = ""
        self.released = threading.Event()
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                size = int(self.headers.get("content-length", 0))
                body = self.rfile.read(size)
                head = {name.lower(): value for name, value in self.headers.items()}
                receiver.at.append(time.time())
                receiver.got.append((self.path, head, body))
                way = receiver.ways.pop(0) if receiver.ways else receiver.always
                receiver.answer(self, way)

            do_GET = do_POST

            def log_message(self, *args: Any) -> None:
                """Say nothing."""

        self.server = _Server(("127.0.0.1", 0), Handler)
        self.scheme = "https" if tls else "http"
        if tls:
            self.server.socket = tls.wrap_socket(self.server.socket, server_side=True)

    @property
    def url(self) -> str:
        """Its address."""
        return f"{self.scheme}://127.0.0.1:{self.server.server_address[1]}/hook?x=1"

    def answer(self, handler: BaseHTTPRequestHandler, way: str) -> None:
        """Answer: a status, `hang`, `drip`, `redirect <url>`, `flood`, or `nonsense`."""
        if way == "hang":
            self.released.wait(30)
        elif way == "drip":
            self._drip(handler)
        elif way == "nonsense":
            handler.wfile.write(b"\x00\x01 not http\r\n\r\n")
        else:
            word, _blank, where = way.partition(" ")
            status = 302 if word == "redirect" else int(word or "200")
            handler.send_response(status)
            if where:
                handler.send_header("location", where)
            handler.end_headers()
            handler.wfile.write(b"said " * 100_000 if where == "flood" else b"thank you")

    def _drip(self, handler: BaseHTTPRequestHandler) -> None:
        for _turn in range(300):
            try:
                handler.wfile.write(b"H")
                handler.wfile.flush()
            except OSError:
                return
            if self.released.wait(0.1):
                return


@contextmanager
def receiving(tls: ssl.SSLContext | None = None) -> Iterator[Receiver]:
    """A receiver that listens."""
    receiver = Receiver(tls)
    thread = threading.Thread(target=receiver.server.serve_forever, daemon=True)
    thread.start()
    try:
        yield receiver
    finally:
        receiver.released.set()
        receiver.server.shutdown()
        receiver.server.server_close()


def closed_port() -> int:
    """A port where nothing listens."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port: int = taken.getsockname()[1]
        return port
