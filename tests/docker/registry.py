"""A registry that has no image, and says so as real ones do."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

_UNKNOWN = {"errors": [{"code": "MANIFEST_UNKNOWN", "message": "manifest unknown"}]}


class _Answer(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        is_greeting = self.path == "/v2/"
        body = json.dumps({} if is_greeting else _UNKNOWN).encode()
        self.send_response(200 if is_greeting else 404)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_HEAD = do_GET

    def log_message(self, *_: object) -> None:
        """Be silent."""


@contextmanager
def empty_registry() -> Iterator[str]:
    """Its address, as it stands in front of an image's name."""
    with ThreadingHTTPServer(("127.0.0.1", 0), _Answer) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"127.0.0.1:{server.server_address[1]}"
        server.shutdown()
