"""Small apps for tests of deployments, made of an image that is on every engine."""

from typing import Any

IMAGE = "dotmac/app:0.1.0"
PORT = 8000
_SERVER = """
import http.server, os, signal, sys, threading, time
class Page(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        if self.path == "/slow":
            time.sleep(1)
        self.send_response(200 if self.path in ("/", "/slow") else 404)
        self.end_headers()
        self.wfile.write(b"hello")
    def log_message(self, *_):
        pass
server = http.server.ThreadingHTTPServer(("", 8000), Page)
server.daemon_threads = False
def end(*_):
    threading.Thread(target=server.shutdown).start()
signal.signal(signal.SIGTERM, end)
print("serving", flush=True)
server.serve_forever()
server.server_close()
"""
SERVE = ["python", "-c", _SERVER]


def app(
    name: str, version: str, *, command: list[str] | None = None, **changes: Any
) -> dict[str, Any]:
    """A stateless app; it ends as a good one does: after the requests that it has begun."""
    web: dict[str, Any] = {
        "image": changes.pop("image", IMAGE),
        "command": command or SERVE,
        "port": PORT,
        "public": True,
        "memory": "96M",
    }
    return {
        "name": name,
        "title": name.title(),
        "version": version,
        "services": {"web": web},
        "health": {"path": "/", "timeout_s": 30},
        **changes,
    }
