"""Where the run keeps its files and which ports it takes."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from dotenv import dotenv_values

from dotmac.server.errors import SetupError
from dotmac.server.places import socket_of

ROOT = Path(__file__).resolve().parent.parent.parent
PORTS = {
    "EDGE_HTTP_PORT": 8000,
    "EDGE_HTTPS_PORT": 8443,
    "WEB_PORT": 8001,
    "DATABASE_PORT": 8002,
    "EDGE_PING_PORT": 8003,
}


@dataclass(frozen=True)
class Options:
    """What one run is told: the environment over `.env`, and the folder for its files."""

    root: Path
    var: Path
    values: Mapping[str, str]

    @classmethod
    def read(cls, root: Path = ROOT, environment: Mapping[str, str] = os.environ) -> Options:
        file = {name: text for name, text in dotenv_values(root / ".env").items() if text}
        return cls(root, root / "var", {**file, **environment})

    def port(self, name: str) -> int:
        """A TCP port by its variable; raises SetupError for what is none."""
        text = self.values.get(name) or str(PORTS[name])
        if not text.isdigit() or not 0 < int(text) < 65536:
            raise SetupError(f"{name} is {text!r}, which is no port. Set a number up to 65535.")
        return int(text)

    @property
    def base_domain(self) -> str:
        return self.values.get("BASE_DOMAIN") or "dotmac.localhost"

    @property
    def apps_domain(self) -> str:
        return self.values.get("APPS_DOMAIN") or "apps.localhost"

    @property
    def edge_bind(self) -> str:
        """The address on which the edge listens; loopback, because of the demo's log-ins."""
        return self.values.get("EDGE_BIND") or "127.0.0.1"

    @property
    def has_own_database(self) -> bool:
        """Whether this run keeps the database itself."""
        return not self.values.get("DATABASE_URL")

    @property
    def wants_docker(self) -> bool:
        return self.values.get("DOTMAC_DOCKER", "").lower() != "off"

    @property
    def run(self) -> Path:
        return self.var / "run"

    @property
    def log(self) -> Path:
        return self.var / "log"

    @property
    def keys(self) -> Path:
        return self.var / "keys"

    @property
    def edge(self) -> Path:
        return self.var / "edge"

    @property
    def postgres(self) -> Path:
        return self.var / "postgres"

    @property
    def socket(self) -> Path:
        """The supervisor's socket; in a short place when the project's path is too long."""
        return socket_of(self.run)

    def make_directories(self) -> None:
        """Make what is missing; keys are for this user alone."""
        for directory in (self.run, self.log, self.edge):
            directory.mkdir(parents=True, exist_ok=True)
        self.keys.mkdir(mode=0o700, exist_ok=True)
        self.keys.chmod(0o700)
        # What processes of the last run counted; none of them is left.
        shutil.rmtree(self.run / "metrics", ignore_errors=True)
        self._make_socket_directory()

    def _make_socket_directory(self) -> None:
        directory = self.socket.parent
        directory.mkdir(mode=0o700, exist_ok=True)
        if directory.is_symlink() or directory.stat().st_uid != os.geteuid():
            raise SetupError(f"{directory} belongs to another user. Remove it and retry.")
