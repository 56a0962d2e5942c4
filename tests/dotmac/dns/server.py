"""A PowerDNS of the tests' own, for dynamic updates and its API: the real server."""

import base64
import secrets
import shutil
import signal
import sqlite3
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import dns.exception
import dns.message
import dns.query
import pytest

from dev.ports import free_port
from dotmac.crypto.secret import Secret
from dotmac.dns import PowerDns, Rfc2136, txt_of

BINARY = shutil.which("pdns_server") or "/usr/sbin/pdns_server"
_SCHEMA = Path("/usr/share/pdns-backend-sqlite3/schema/schema.sqlite3.sql")
KEY_NAME = "dotmac-key"
ZONES = ("dotmac.localhost", "apps.localhost")
_SOA = "ns.{0}. hostmaster.{0}. 1 10800 3600 604800 60"


class DnsServer:
    """Zones of the platform, of which every name leads to this machine."""

    def __init__(self, folder: Path, zones: tuple[str, ...] = ZONES) -> None:
        self.folder, self.zones = folder, zones
        self.port, self.api_port = free_port(), free_port()
        self.secret = Secret(base64.b64encode(secrets.token_bytes(32)).decode())
        self.api_key = Secret(secrets.token_urlsafe(20))
        self._running: subprocess.Popen[bytes] | None = None
        self._fill()

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.api_port}"

    def by_updates(self, **changes: object) -> Rfc2136:
        known = {"server": "127.0.0.1", "port": self.port, "key_name": KEY_NAME, "timeout_s": 3.0}
        return Rfc2136(**{**known, "key_secret": self.secret, **changes})  # type: ignore[arg-type]

    def by_api(self, **changes: object) -> PowerDns:
        known = {"url": self.url, "api_key": self.api_key, "timeout_s": 3.0}
        return PowerDns(**{**known, **changes})  # type: ignore[arg-type]

    def txt(self, name: str) -> list[str]:
        return sorted(txt_of(name, [self.address])[self.address])

    def add(self, name: str, text: str) -> None:
        """A TXT record, in the zone that its name ends in."""
        number = next(n for n, zone in enumerate(self.zones, start=1) if name.endswith(zone))
        with sqlite3.connect(self.folder / "zones.sqlite3") as base:
            base.execute(
                "INSERT INTO records (domain_id, name, type, content, ttl)"
                " VALUES (?, ?, 'TXT', ?, 60)",
                (number, name, f'"{text}"'),
            )
        base.close()

    def start(self) -> None:
        self._configure()
        with (self.folder / "pdns.log").open("ab") as log:
            command = [BINARY, f"--config-dir={self.folder}"]
            self._running = subprocess.Popen(command, stdout=log, stderr=log)
        self._wait()

    def stop(self) -> None:
        if self._running is not None:
            self._running.send_signal(signal.SIGKILL)
            self._running.wait(10)
            self._running = None

    def _wait(self) -> None:
        end = time.monotonic() + 20
        query = dns.message.make_query(self.zones[0], "SOA")
        while time.monotonic() < end:
            with suppress(dns.exception.DNSException, OSError):
                if dns.query.tcp(query, "127.0.0.1", timeout=1, port=self.port).answer:
                    return
            time.sleep(0.05)
        raise TimeoutError((self.folder / "pdns.log").read_text()[-2000:])

    def _configure(self) -> None:
        lines = {
            "launch": "gsqlite3",
            "gsqlite3-database": self.folder / "zones.sqlite3",
            "local-address": "127.0.0.1",
            "local-port": self.port,
            "socket-dir": self.folder,
            "daemon": "no",
            "guardian": "no",
            "disable-syslog": "yes",
            "cache-ttl": 0,
            "query-cache-ttl": 0,
            "negquery-cache-ttl": 0,
            "dnsupdate": "yes",
            "allow-dnsupdate-from": "127.0.0.0/8",
            "api": "yes",
            "api-key": self.api_key.reveal(),
            "webserver": "yes",
            "webserver-address": "127.0.0.1",
            "webserver-port": self.api_port,
            "webserver-allow-from": "127.0.0.1",
        }
        text = "".join(f"{name}={value}\n" for name, value in lines.items())
        (self.folder / "pdns.conf").write_text(text)

    def _fill(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        with sqlite3.connect(self.folder / "zones.sqlite3") as base:
            base.executescript(_SCHEMA.read_text())
            key = (KEY_NAME, "hmac-sha256", self.secret.reveal())
            base.execute("INSERT INTO tsigkeys (name, algorithm, secret) VALUES (?, ?, ?)", key)
            for number, zone in enumerate(self.zones, start=1):
                base.execute(
                    "INSERT INTO domains (id, name, type) VALUES (?, ?, 'NATIVE')", (number, zone)
                )
                allowed = (number, "TSIG-ALLOW-DNSUPDATE", KEY_NAME)
                base.execute(
                    "INSERT INTO domainmetadata (domain_id, kind, content) VALUES (?, ?, ?)",
                    allowed,
                )
                for name, kind, content in (
                    (zone, "SOA", _SOA.format(zone)),
                    (zone, "NS", f"ns.{zone}"),
                    (zone, "A", "127.0.0.1"),
                    (f"*.{zone}", "A", "127.0.0.1"),
                ):
                    base.execute(
                        "INSERT INTO records (domain_id, name, type, content, ttl)"
                        " VALUES (?, ?, ?, ?, 60)",
                        (number, name, kind, content),
                    )
        base.close()


@contextmanager
def running(folder: Path, zones: tuple[str, ...] = ZONES) -> Iterator[DnsServer]:
    """A server for a while; it is there once .ci/run has installed its packages."""
    if not Path(BINARY).exists():
        pytest.fail("No PowerDNS here: install pdns-server and pdns-backend-sqlite3.")
    server = DnsServer(folder, zones)
    try:
        server.start()
        yield server
    finally:
        server.stop()
