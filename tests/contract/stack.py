"""A workspace's stack behind an edge: an HTTPS server that answers what a test tells it."""

import ssl
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

from dotmac.crypto.local_ca import ensure_certificate, ensure_local_ca


class FarStack:
    """Answers every POST; `asked` lists host and path of what came."""

    def __init__(self, folder: Path, host: str) -> None:
        authority = ensure_local_ca(folder / "ca")
        self.ca = authority.certificate
        paths = ensure_certificate(authority, folder / "far", [host])
        self.status, self.body = 200, b"{}"
        self.asked: list[tuple[str, str]] = []
        self.server = HTTPServer(("127.0.0.1", 0), self._answering())
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(paths.certificate, paths.key)
        self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)
        self.thread.start()

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self.server.server_address[1])

    def close(self) -> None:
        """End it."""
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()

    def _answering(self) -> type[BaseHTTPRequestHandler]:
        far = self

        class Answering(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                self.rfile.read(int(self.headers["Content-Length"]))
                far.asked.append((self.headers["Host"].partition(":")[0], self.path))
                self.send_response(far.status)
                self.send_header("Content-Length", str(len(far.body)))
                self.end_headers()
                self.wfile.write(far.body)

            def log_message(self, format: str, *args: object) -> None:
                """Nothing on the terminal."""

        return Answering
