"""`install KIT=…`: an empty machine becomes the server that was lost, from its recovery kit.

Whatever ends it half way, the same command goes on: each step looks at what is there. A cluster
with anything in it is never replaced, and no file that is there is written over.
"""

from __future__ import annotations

import json
import pwd
import secrets
import shutil
import socket
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path

from dotenv import dotenv_values

from dotmac.backups import Kit, Programs, Store, files
from dotmac.backups.choosing import Route
from dotmac.backups.kit import INSTALL
from dotmac.backups.rebuilding import Mark, arrive, moment, opened, passphrase, way_to
from dotmac.backups.records import from_stamp, stamp
from dotmac.backups.restoring import clear, fetch
from dotmac.crypto.secret import Secret
from dotmac.server import cluster, database, releases
from dotmac.server.children import give, manage
from dotmac.server.cluster import Cluster
from dotmac.server.errors import SetupError
from dotmac.server.keys import write_environment
from dotmac.server.options import FIXED, Options, is_kept
from dotmac.server.releases import Release
from dotmac.server.terminal import Terminal

_FOLDER = "dotmac-rebuild"
# Of the machine that is lost; this one's are found out anew.
_OF_MACHINE = ("DATABASE_URL", "DATABASE_PORT", "DATABASE_ROOT", "DATABASE_BINARIES")


@dataclass(frozen=True)
class Rebuild:
    """One from a kit, as far as its mark says."""

    options: Options
    terminal: Terminal
    kit: Kit
    store: Store
    mark: Mark
    at: datetime | None

    def bring(self) -> Options:
        """Database, keys, secrets and uploads; what the server is told from then on."""
        self.mark.note(installation=self.kit.installation)
        self._bring_database()
        if not self.mark.read().get("has_files"):
            with self.terminal.step("Keys, secrets and uploads"):
                self._bring_files()
            self._note(has_files=True)
        kept = dotenv_values(self.options.layout.env_file)
        found = {name: text for name, text in kept.items() if text and is_kept(name)}
        return Options(self.options.layout, {**found, **self.options.values})

    def take_over(self, options: Options, release: Release) -> None:
        """From now on this machine writes off site; SetupError while the place is away."""
        with self.terminal.step("Backups go on from here"):
            noted = Secret(json.dumps(self.mark.read()))
            manage(options, release, self.terminal, "take_over", "--mark", "-", given=noted)
        with self.terminal.step("Event log"):
            manage(options, release, self.terminal, "prove_restored")

    def end(self) -> None:
        """Everything serves: say until when, and what only a person can do."""
        until = f"{from_stamp(self.mark.read()['forked_at']):%Y-%m-%d %H:%M:%S}"
        self.mark.end()
        self.terminal.line(f"  The platform is back as it was until {until} (UTC).")
        self.terminal.line("  See that the old machine stays off: this one writes off site now.")
        self.terminal.line("  Make a new recovery kit, and have the DNS lead to this machine.")
        self.terminal.line(
            "  What was erased after that moment is back: dotmac manage erase_again mends it."
        )
        self.terminal.line(
            "  A log that ends before a mark elsewhere: dotmac manage accept_restored_log --all"
        )

    def _bring_database(self) -> None:
        server = cluster.find(self.options.database_port)
        database.check_version(server)
        noted = self.mark.read().get("system_id")
        data = server.data.parent / _FOLDER / "data"
        if not noted or server.system_id() != noted:
            if not noted or not data.exists():
                self._recover(server, data.parent)
            with self.terminal.step("The database takes its place"):
                _put_in_place(server, data)
        server.start()
        # What was moved away had been found to be empty.
        for left in (data.parent, *server.data.parent.glob(f"{server.data.name}.empty-*")):
            shutil.rmtree(left, ignore_errors=True)

    def _recover(self, server: Cluster, folder: Path) -> None:
        """Fetch and replay beside its place; noted once it is whole."""
        server.start()
        check_empty(server)
        clear(folder)
        owner = pwd.getpwnam(cluster.OWNER)
        programs = Programs(server.programs, owner.pw_uid, owner.pw_gid)
        tick = self.terminal.tick
        with self.terminal.step("What the backup holds"):
            route = way_to(self.store, self.at, server.data.parent)
            check_same(server, route)
        self._note(system_id="")
        with self.terminal.step(f"Backup of {route.newest.ended:%Y-%m-%d %H:%M} UTC"):
            data = fetch(self.store, route, programs, folder, beat=tick)
        with self.terminal.step("Database, up to the moment"):
            arrived = arrive(data, route, programs, database=database.NAME, beat=tick)
            until, token = stamp(self.at or route.reaches), secrets.token_hex(16)
            self._note(token=token, forked_at=until, **asdict(arrived))

    def _bring_files(self) -> None:
        """Files go before what the kit says, since they may be newer."""
        layout = self.options.layout
        media = layout.var / "media"
        places = files.places_of_server(env_file=layout.env_file, var=layout.var, media=media)
        files.fetch(self.store, places, self.at)
        kept = {name: text for name, text in dotenv_values(layout.env_file).items() if text}
        values = {name: one.reveal() for name, one in self.kit.environment.items()} | kept
        if values.get("EDGE_BIND") and not _is_here(values["EDGE_BIND"]):
            self.terminal.warn(f"EDGE_BIND was {values['EDGE_BIND']}, which is not here: dropped.")
            del values["EDGE_BIND"]
        values = {name: text for name, text in values.items() if name not in _OF_MACHINE}
        write_environment(layout.env_file, values)
        for place in (layout.env_file, layout.keys, media):
            for path in (place, *place.rglob("*")):
                if path.exists():
                    give(self.options, path)

    def _note(self, **values: object) -> None:
        self.mark.note(installation=self.kit.installation, **values)


def begin(options: Options, terminal: Terminal) -> Rebuild:
    """Open the kit and its place; SetupError or BackupError where nothing can come of it."""
    layout, mark = options.layout, Mark(options.layout.rebuild_mark)
    if not options.keeps_database:
        raise SetupError(
            "A kit brings the machine's own PostgreSQL back. Leave DATABASE_URL and PACKAGES=off "
            "out, or restore that database where it is kept and install without KIT."
        )
    if not mark.is_there() and (layout.env_file.exists() or releases.linked(layout.current)):
        raise SetupError(
            f"{layout.env_file} is there: this machine holds an installation. Rebuild on an empty "
            "one; `make install` without KIT repairs this one."
        )
    at, secret = moment(options.says("AT")), passphrase(options.values)
    with terminal.step("Recovery kit"):
        kit, store = opened(Path(options.says("KIT")), secret, INSTALL)
    domains = {name: kit.environment[name].reveal() for name in FIXED if name in kit.environment}
    told = Options(layout, {**domains, **options.values})
    return Rebuild(told, terminal, kit, store, mark, at)


def check_empty(server: Cluster) -> None:
    """Raise SetupError where anybody has put anything into a cluster."""
    found = [
        server.ask(
            "SELECT string_agg('the database ' || datname, ', ') FROM pg_database"
            " WHERE datname NOT IN ('postgres', 'template0', 'template1')"
        ),
        server.ask(
            "SELECT string_agg('the role ' || rolname, ', ') FROM pg_roles WHERE oid >= 16384"
        ),
        server.ask("SELECT string_agg(relname, ', ') FROM pg_class WHERE oid >= 16384"),
    ]
    held = ", ".join(one for one in found if one)
    if held:
        raise SetupError(
            f"PostgreSQL {server.version}/{server.name} here holds {held}. A rebuild writes over "
            "nothing: take an empty machine, or drop these if nobody needs them."
        )


def check_same(server: Cluster, route: Route) -> None:
    """Files of one major version are read by no other."""
    made = route.newest.server_version
    if made != server.version:
        raise SetupError(
            f"The backup is of PostgreSQL {made}, and this machine has {server.version}. Take the "
            f"Debian or Ubuntu that brings {made}, or install postgresql-{made} as "
            "apt.postgresql.org says and name its port by DATABASE_PORT; then run this again."
        )


def _put_in_place(server: Cluster, data: Path) -> None:
    """An empty cluster makes way for the one that came back; SetupError where it cannot."""
    try:
        if server.data.exists():
            server.start()
            check_empty(server)
            server.stop()
            aside = f"{server.data.name}.empty-{secrets.token_hex(4)}"
            server.data.rename(server.data.with_name(aside))
        data.rename(server.data)
    except OSError as error:
        raise SetupError(
            f"{server.data} could not be replaced: {error.strerror}. It must be a plain folder of "
            f"{server.data.parent}, where a disk of its own may be mounted."
        ) from error


def _is_here(address: str) -> bool:
    """Whether something could listen there on this machine."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family) as probe:
        try:
            probe.bind((address, 0))
        except OSError:
            return False
    return True
