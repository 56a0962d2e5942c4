"""What a server's owner asked for, and where everything lies on the server."""

from __future__ import annotations

import os
import pwd
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from dotenv import dotenv_values

from dotmac.server.errors import SetupError
from dotmac.server.places import socket_of

SOURCE = Path(__file__).resolve().parent.parent.parent
SLOTS = ("a", "b")
# Ports that are the server's own; only the edge's are for everybody.
PORTS = {
    "EDGE_HTTP_PORT": 80,
    "EDGE_HTTPS_PORT": 443,
    "WEB_PORT_A": 8101,
    "WEB_PORT_B": 8102,
    "EDGE_PING_PORT": 8103,
}
_DATABASE_PORT = 5432
# Asked for once and kept in the server's file; tenants' addresses hang on these two.
FIXED = ("BASE_DOMAIN", "APPS_DOMAIN")
_DATABASE = ("DATABASE_URL", "DATABASE_PORT")
_NAMED = (*_DATABASE, "EMAIL_URL", "OPERATOR_EMAIL", "EDGE_BIND", "HSTS_SECONDS")
_KEPT = frozenset({*FIXED, *PORTS, *_NAMED, "DOTMAC_DOCKER", "WORKERS"})
# How this machine is run; kept where only root may write.
MACHINE = ("SERVICES", "SYSTEM_USER", "PACKAGES", "BACKUP_COMMAND", "BACKUP_DIRECTORY", "LOG_DAYS")
_LOG_DAYS = 30
# The services' own namespace of the journal: what they say ends by itself, the machine's does not.
JOURNAL = "dotmac"
# Of an authority of certificates, and of whoever keeps the names.
_KEPT_PREFIXES = ("ACME_", "DNS_")


def is_kept(name: str) -> bool:
    """Whether a variable that is given once goes into the server's file."""
    return name in _KEPT or name.startswith(_KEPT_PREFIXES)


@dataclass(frozen=True)
class Layout:
    """Folders below one root, which is / except for tests.

    What root reads or writes lies where only root may write, so that no service can lead it astray.
    """

    root: Path

    @property
    def home(self) -> Path:
        return self.root / "opt" / "dotmac"

    @property
    def releases(self) -> Path:
        return self.home / "releases"

    @property
    def current(self) -> Path:
        """A link to the release that serves."""
        return self.home / "current"

    @property
    def previous(self) -> Path:
        """A link to the release before."""
        return self.home / "previous"

    def live(self, service: str) -> Path:
        """A link to the release that a service runs, or ran last."""
        return self.home / "live" / service

    @property
    def env_file(self) -> Path:
        """Settings and secrets."""
        return self.root / "etc" / "dotmac" / "dotmac.env"

    @property
    def machine_file(self) -> Path:
        """How this machine is run; no secret is in it."""
        return self.env_file.with_name("machine.env")

    @property
    def var(self) -> Path:
        return self.root / "var" / "lib" / "dotmac"

    def ready(self, service: str) -> Path:
        """What a service writes anew as soon as it is at work."""
        return self.var / "ready" / service

    @property
    def keys(self) -> Path:
        return self.var / "keys"

    @property
    def database(self) -> Path:
        """Where PostgreSQL lays its log of changes aside for backups, which are tested there."""
        return self.var / "database"

    @property
    def rebuild_mark(self) -> Path:
        """Tells how far a rebuild is, while one is under way."""
        return self.home / "rebuild.json"

    @property
    def edge(self) -> Path:
        """What the edge watches."""
        return self.var / "edge"

    @property
    def edge_config(self) -> Path:
        """What the edge starts with. It reads only what is named as YAML, which JSON is too."""
        return self.env_file.with_name("edge.yml")

    @property
    def web_url(self) -> Path:
        """Tells every process which web process serves."""
        return self.home / "web-url"

    @property
    def lock(self) -> Path:
        return self.home / "server.lock"

    @property
    def log(self) -> Path:
        return self.root / "var" / "log" / "dotmac"

    @property
    def action_log(self) -> Path:
        """What tools said in the last installation, upgrade or return."""
        return self.log / "server.log"

    @property
    def run(self) -> Path:
        """Of the supervisor, which is root's: nobody else may write there, nor above."""
        return self.root / "run" / "dotmac"

    @property
    def pids(self) -> Path:
        """Where services that supervisord started note who they are."""
        return self.var / "pids"

    @property
    def socket(self) -> Path:
        """Where the supervisor is asked."""
        return socket_of(self.run)

    @property
    def units(self) -> Path:
        """Of systemd."""
        return self.root / "etc" / "systemd" / "system"

    @property
    def journal(self) -> Path:
        """How long the journal of the services' namespace is kept."""
        return self.root / "etc" / "systemd" / f"journald@{JOURNAL}.conf"

    @property
    def command(self) -> Path:
        """What people type."""
        return self.root / "usr" / "local" / "bin" / "dotmac"


@dataclass(frozen=True)
class Options:
    """What this run is told: the environment over the server's own file."""

    layout: Layout
    values: Mapping[str, str]

    @classmethod
    def read(cls, environment: Mapping[str, str] = os.environ) -> Options:
        """SetupError when the server's file may not be read."""
        layout = Layout(Path(environment.get("DOTMAC_ROOT") or "/").resolve())
        try:
            kept, machine = dotenv_values(layout.env_file), dotenv_values(layout.machine_file)
        except PermissionError as error:
            raise SetupError(f"{layout.env_file} is for root alone. Run this as root.") from error
        given = {name: text for name, text in environment.items() if text}
        if given.get("DOMAIN"):
            given["BASE_DOMAIN"] = given["DOMAIN"]
        # The services' user may write the file: nothing in it decides what root runs.
        found = {name: text for name, text in kept.items() if text and is_kept(name)}
        run = {name: text for name, text in machine.items() if text}
        if given.get("BACKUP_TARGET", "").startswith("/"):
            given.setdefault("BACKUP_DIRECTORY", given["BACKUP_TARGET"])
        return cls(layout, {**found, **run, **given})

    def __repr__(self) -> str:
        return f"Options({self.layout.root})"

    def says(self, name: str) -> str:
        """A value, empty where there is none."""
        return self.values.get(name, "")

    def is_on(self, name: str) -> bool:
        """Whether a switch is set."""
        return self.says(name).lower() in ("1", "yes", "true", "on")

    @property
    def log_days(self) -> int:
        """For how long the journal of services is kept; raises SetupError for what is no number."""
        text = self.says("LOG_DAYS") or str(_LOG_DAYS)
        if not text.isdecimal() or int(text) < 1:
            raise SetupError(f"LOG_DAYS is {text}. Say a number of days, from 1.")
        return int(text)

    def port(self, name: str) -> int:
        """A TCP port by its variable; raises SetupError for what is none."""
        text = self.says(name) or str(PORTS[name])
        if not text.isdigit() or not 0 < int(text) < 65536:
            raise SetupError(f"{name} is {text!r}, which is no port. Set a number up to 65535.")
        return int(text)

    def web_port(self, slot: str) -> int:
        return self.port(f"WEB_PORT_{slot.upper()}")

    def web_url(self, slot: str) -> str:
        return f"http://127.0.0.1:{self.web_port(slot)}"

    @property
    def base_domain(self) -> str:
        return self.says("BASE_DOMAIN")

    @property
    def apps_domain(self) -> str:
        return self.says("APPS_DOMAIN")

    @property
    def user(self) -> str:
        """The system's user that services run as; "-" stands for whoever runs this."""
        asked = self.says("SYSTEM_USER") or "dotmac"
        return "" if asked == "-" else asked

    @property
    def wants_docker(self) -> bool:
        return self.says("DOTMAC_DOCKER").lower() != "off"

    @property
    def has_own_database(self) -> bool:
        """Whether the server's own PostgreSQL is used, over its socket and without a password."""
        url = self.says("DATABASE_URL")
        return not url or url == self.socket_url

    @property
    def keeps_database(self) -> bool:
        """Whether that PostgreSQL is set up by us, and backed up by the platform."""
        return self.has_own_database and self.says("PACKAGES").lower() != "off"

    @property
    def database_port(self) -> int:
        """On which the distribution's PostgreSQL names its socket."""
        return int(self.says("DATABASE_PORT") or _DATABASE_PORT)

    @property
    def role(self) -> str:
        """Whom that PostgreSQL knows by the socket."""
        return self.user or pwd.getpwuid(os.geteuid()).pw_name

    @property
    def socket_url(self) -> str:
        port = self.database_port
        return f"postgres://{self.role}@%2Fvar%2Frun%2Fpostgresql:{port}/dotmac"
