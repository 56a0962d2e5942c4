"""Pebble, the test authority of ACME: a real one, on this machine."""

import json
import os
import shutil
import signal
import ssl
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.error import URLError

import pytest

from dev.ports import free_port
from dotmac.crypto.local_ca import ensure_certificate, ensure_local_ca

BINARY = shutil.which("pebble")
KEY_ID, HMAC_KEY = "kid-1", "zWNDZM6eQGHWpSRTPal5eIUYFTu7EajVIoguysqZ9wG44nMEtx3MUAsUDkMTQ12W"


class Authority:
    """One Pebble; `environment` sets how it behaves (PEBBLE_…)."""

    def __init__(
        self,
        folder: Path,
        *,
        dns: str = "",
        http_port: int = 0,
        binding: bool = False,
        life_s: int = 90 * 86_400,
        **environment: str,
    ) -> None:
        self.folder, self.dns, self.binding, self.life_s = folder, dns, binding, life_s
        self.port, self.management_port = free_port(), free_port()
        self.http_port = http_port or free_port()
        ca = ensure_local_ca(folder / "ca")
        self._own = ensure_certificate(ca, folder / "own", ["localhost", "127.0.0.1"])
        self.roots_file = ca.certificate
        quick = {"PEBBLE_VA_NOSLEEP": "1", "PEBBLE_WFE_NONCEREJECT": "0", "PEBBLE_AUTHZREUSE": "0"}
        self.environment = {**quick, **environment}
        self._running: subprocess.Popen[bytes] | None = None

    @property
    def directory(self) -> str:
        return f"https://localhost:{self.port}/dir"

    @property
    def roots(self) -> str:
        """Of its own HTTPS, not of what it issues."""
        return self.roots_file.read_text()

    @property
    def log(self) -> str:
        return (self.folder / "pebble.log").read_text()

    def orders(self) -> int:
        """How many orders were made."""
        return self.log.count("POST /order-plz")

    def issuing_root(self, number: int = 0) -> str:
        """The root above what it issues; another one after each start."""
        return self._ask(f"/roots/{number}")

    def revoked(self, serial: str) -> bool:
        return bool(
            json.loads(self._ask(f"/cert-status-by-serial/{serial}"))["Status"] == "Revoked"
        )

    def start(self) -> None:
        config = {
            "listenAddress": f"127.0.0.1:{self.port}",
            "managementListenAddress": f"127.0.0.1:{self.management_port}",
            "certificate": str(self._own.certificate),
            "privateKey": str(self._own.key),
            "httpPort": self.http_port,
            "tlsPort": free_port(),
            "ocspResponderURL": "",
            "externalAccountBindingRequired": self.binding,
            "externalAccountMACKeys": {KEY_ID: HMAC_KEY},
            "certificateValidityPeriod": self.life_s,
        }
        file = self.folder / "pebble.json"
        file.write_text(json.dumps({"pebble": config}))
        assert BINARY is not None
        command = [BINARY, "-config", str(file), "-strict=false"]
        if self.dns:
            command += ["-dnsserver", self.dns]
        with (self.folder / "pebble.log").open("ab") as log:
            self._running = subprocess.Popen(
                command, stdout=log, stderr=log, env={**os.environ, **self.environment}
            )
        self._wait()

    def freeze(self) -> None:
        """It takes connections and says nothing."""
        assert self._running is not None
        self._running.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        assert self._running is not None
        self._running.send_signal(signal.SIGCONT)

    def kill(self) -> None:
        """It forgets accounts, orders and its own root."""
        if self._running is not None:
            self._running.kill()
            self._running.wait(10)
            self._running = None

    def _ask(self, path: str) -> str:
        url = f"https://localhost:{self.management_port}{path}"
        context = ssl.create_default_context(cafile=str(self.roots_file))
        with urllib.request.urlopen(url, timeout=10, context=context) as answer:
            return str(answer.read().decode())

    def _wait(self) -> None:
        end = time.monotonic() + 20
        while time.monotonic() < end:
            try:
                self.issuing_root()
            except (URLError, OSError):
                time.sleep(0.05)
            else:
                return
        raise TimeoutError(self.log[-2000:])


@contextmanager
def authority(folder: Path, **how: object) -> Iterator[Authority]:
    """One for a while; it is there once .ci/run has installed its packages."""
    if BINARY is None:
        pytest.fail("No Pebble on this machine: install the package pebble.")
    folder.mkdir(parents=True, exist_ok=True)
    one = Authority(folder, **how)  # type: ignore[arg-type]
    try:
        one.start()
        yield one
    finally:
        one.kill()
