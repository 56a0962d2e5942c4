"""A Traefik and upstreams of the tests' own."""

import http.client
import json
import subprocess
import threading
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from dev.ports import free_port
from dotmac.edge import Certificate, PlatformRoutes, Route
from dotmac.edge.probe import ProbeResult, probe, wait_until_routed
from dotmac.edge.traefik import TraefikEdge, binary
from dotmac.edge.traefik_config import static_config

DEADLINE_S = 20
ACME = "acme.apps.localhost"


class Answers(BaseHTTPRequestHandler):
    """Tells who it is, and what it was asked."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        body = json.dumps({"path": self.path, "headers": dict(self.headers)}).encode()
        self.send_response(200)
        self.send_header("X-Upstream", self.server.label)  # type: ignore[attr-defined]
        kind = "text/css" if self.path.endswith(".css") else "application/json"
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Tests are quiet."""


@dataclass(frozen=True)
class Site:
    """A small upstream of its own."""

    label: str
    url: str


class Sites:
    """Starts upstreams and ends them."""

    def __init__(self) -> None:
        self._servers: list[ThreadingHTTPServer] = []

    def start(self, label: str) -> Site:
        server = ThreadingHTTPServer(("127.0.0.1", 0), Answers)
        server.label = label  # type: ignore[attr-defined]
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        self._servers.append(server)
        return Site(label, f"http://127.0.0.1:{server.server_port}")

    def stop(self) -> None:
        for server in self._servers:
            server.shutdown()
            server.server_close()


class Traefik:
    """A Traefik of the test's own, with the edge that tells it its routes."""

    def __init__(self, folder: Path, platform_url: str, certificate: Certificate) -> None:
        self.http, self.https, self.ping = (free_port() for _ in range(3))
        self.folder = folder
        self.certificate = certificate
        self.directory = folder / "routes"
        self.directory.mkdir()
        platform = PlatformRoutes(
            "dotmac.localhost", "apps.localhost", platform_url, self.http, self.https, hsts_s=3600
        )
        self.edge = TraefikEdge(self.directory, platform)
        self._running: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        config = static_config(
            directory=self.directory,
            http=f"127.0.0.1:{self.http}",
            https=f"127.0.0.1:{self.https}",
            ping=f"127.0.0.1:{self.ping}",
            access_log=self.folder / "access.json",
        )
        path = self.folder / "traefik.yml"
        path.write_text(json.dumps(config))
        with (self.folder / "traefik.log").open("ab") as log:
            self._running = subprocess.Popen(
                [binary(), f"--configFile={path}"], stdout=log, stderr=log
            )
        for port, hostname, path in (
            (self.ping, "localhost", "/ping"),
            (self.http, "dotmac.localhost", "/"),
        ):
            wait_until_routed(("127.0.0.1", port), hostname, path, deadline_s=DEADLINE_S)

    def stop(self) -> None:
        assert self._running is not None
        self._running.kill()
        self._running.wait(10)

    def apply(self, *routes: Route) -> bool:
        return self.edge.apply(routes, [self.certificate])

    def get(self, hostname: str, path: str = "/", *, https: bool = True) -> ProbeResult:
        port = self.https if https else self.http
        ca = self.certificate.cert_path if https else None
        return probe(("127.0.0.1", port), hostname, path, tls=ca, timeout_s=5)

    def wait(self, hostname: str, path: str = "/", **wanted: Any) -> ProbeResult:
        return wait_until_routed(
            ("127.0.0.1", self.https),
            hostname,
            path,
            tls=self.certificate.cert_path,
            deadline_s=DEADLINE_S,
            **wanted,
        )

    def read(self, hostname: str, path: str = "/", **headers: str) -> dict[str, Any]:
        """What an upstream was asked, over plain HTTP."""
        connection = http.client.HTTPConnection("127.0.0.1", self.http, timeout=5)
        connection.request("GET", path, headers={"Host": hostname, **headers})
        answer = json.loads(connection.getresponse().read())
        connection.close()
        return answer
