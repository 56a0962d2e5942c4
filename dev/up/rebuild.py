"""`make rebuild`: an empty machine becomes the platform again, from a recovery kit.

Whatever ends it half way, the same command goes on: the database is put in its place only when it
is whole, and nothing that is there already is written over.
"""

from __future__ import annotations

import os
import secrets
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import psycopg
from dotenv import dotenv_values

from dev import postgres
from dev.cluster import Cluster, copy_binaries, is_created, locate, service_user
from dev.up import platform
from dev.up.foreground import only_run
from dev.up.options import Options
from dotmac.backups import Kit, Programs, Store, files
from dotmac.backups.choosing import Route
from dotmac.backups.kit import REBUILD
from dotmac.backups.rebuilding import Mark, arrive, moment, opened, passphrase, way_to
from dotmac.backups.records import stamp
from dotmac.backups.restoring import clear, fetch
from dotmac.server.errors import SetupError
from dotmac.server.keys import write_environment
from dotmac.server.terminal import Terminal

_MARK = "rebuild.json"
_FOLDER = "rebuild"
# Those stand in .env, where the set-up of this machine looks too.
_PLAIN = ("BASE_DOMAIN", "APPS_DOMAIN", "EDGE_ADDRESS", "PLATFORM_SCHEME")


@dataclass(frozen=True)
class Found:
    """What came back, for who rebuilt it."""

    reaches: str
    tenants: int
    events: int
    dedicated: int
    erased: int


def rebuild(options: Options, terminal: Terminal, *, kit_file: str, at: str) -> None:
    """Everything; raises SetupError or BackupError with what to do."""
    if not kit_file:
        raise SetupError("Name the recovery kit: make rebuild KIT=dotmac-recovery-kit.txt")
    _check_empty(options)
    until = moment(at)
    secret = passphrase(os.environ)
    with terminal.step("Recovery kit"):
        kit, store = opened(Path(kit_file), secret, REBUILD)
    options.make_directories()
    mark = _mark(options)
    with only_run(options):
        mark.note(installation=kit.installation)
        if not is_created(locate(options.postgres)):
            _bring(options, terminal, store, kit, at=until)
        _check(Options.read(options.root), terminal, kit)
        mark.end()


def _check_empty(options: Options) -> None:
    """Nothing is written over: neither another installation nor a rebuilt one."""
    if not options.has_own_database:
        raise SetupError("DATABASE_URL names a database of another server: restore it there.")
    if _mark(options).is_there():
        return
    for path in (options.postgres, options.var / "secrets.env"):
        if path.exists():
            raise SetupError(
                f"{path} is there: this folder holds an installation. Rebuild in an empty one, or"
                " run `make reset` first, which deletes it."
            )


def _bring(
    options: Options, terminal: Terminal, store: Store, kit: Kit, *, at: datetime | None
) -> None:
    """Fetch, recover, and put database and files in their places."""
    cluster = locate(options.postgres)
    copy_binaries(cluster)
    cluster.root.mkdir(parents=True, exist_ok=True)
    folder = cluster.root / _FOLDER
    clear(folder)
    user = service_user()
    programs = Programs(cluster.binaries, user.get("user"), user.get("group"))
    with terminal.step("What the backup holds"):
        route = way_to(store, at, cluster.root)
        _check_version(cluster, route)
    with terminal.step(f"Backup of {route.newest.ended:%Y-%m-%d %H:%M} UTC"):
        data = fetch(store, route, programs, folder, beat=terminal.tick)
    with terminal.step("Database, up to the moment"):
        arrived = arrive(data, route, programs, database="dotmac", beat=terminal.tick)
    with terminal.step("Keys, secrets and uploads"):
        _bring_files(options, store, kit, at)
        _give_passwords(cluster)
    _mark(options).note(
        installation=kit.installation,
        token=secrets.token_hex(16),
        forked_at=stamp(at or route.reaches),
        **asdict(arrived),
    )
    data.rename(cluster.data)
    clear(folder)


def _check_version(cluster: Cluster, route: Route) -> None:
    made = route.newest.server_version
    ran = subprocess.run(
        [str(cluster.binaries / "postgres"), "--version"],
        capture_output=True, text=True, check=True, cwd="/",
    )  # fmt: skip
    own = int(ran.stdout.split()[-1].partition(".")[0])
    if own != made:
        raise SetupError(
            f"The backup is of PostgreSQL {made}, this source brings {own}. Take the release"
            f" {route.newest.version} of DotMac, rebuild, and update it then."
        )


def _bring_files(options: Options, store: Store, kit: Kit, at: datetime | None) -> None:
    """Files go before what the kit says, since they may be newer."""
    places = files.places_of(
        base=options.root, var=options.var, media=options.var / "media", home=options.postgres
    )
    files.fetch(store, places, at)
    known = {
        name: text
        for file in (options.root / ".env", options.var / "secrets.env")
        for name, text in dotenv_values(file).items()
        if text
    }
    given = {name: one.reveal() for name, one in kit.environment.items() if name not in known}
    _add(options.var / "secrets.env", {k: v for k, v in given.items() if k not in _PLAIN})
    if not (options.root / ".env").exists():
        _add(options.root / ".env", {k: v for k, v in given.items() if k in _PLAIN})


def _add(file: Path, values: Mapping[str, str]) -> None:
    present = {name: text for name, text in dotenv_values(file).items() if text}
    if values:
        write_environment(file, {**present, **values})


def _give_passwords(cluster: Cluster) -> None:
    for name in ("password", "superuser.password"):
        file = cluster.home / name
        if not file.exists():
            raise SetupError(f"The backup holds no {name} of the database.")
        file.chmod(0o600)


def _check(options: Options, terminal: Terminal, kit: Kit) -> None:
    """Start it as it will run, have it take the repository over, look, and say what is next."""
    port = options.port("DATABASE_PORT")
    mark = _mark(options)
    with terminal.step("Database starts in its place"):
        url = postgres.ensure(options.postgres, port)
    try:
        environment = platform.child_environment(options)
        with terminal.step("Backups go on from here"):
            _manage(options, environment, "take_over", "--mark", str(mark.file))
        with terminal.step("Event log"):
            _manage(options, environment, "prove_restored")
        found = _look(url, mark.read())
    finally:
        postgres.stop(options.postgres)
    _tell(terminal, found, kit)


def _manage(options: Options, environment: Mapping[str, str], *arguments: str) -> None:
    ran = subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=options.root, env=dict(environment), capture_output=True, text=True, check=False,
        stdin=subprocess.DEVNULL,
    )  # fmt: skip
    if ran.returncode:
        tail = "\n".join((ran.stdout + ran.stderr).strip().splitlines()[-6:])
        raise SetupError(f"manage.py {arguments[0]} failed; run this command again. {tail}")


def _look(url: str, mark: Mapping[str, str]) -> Found:
    with psycopg.connect(url) as connection:
        rows = [
            connection.execute(statement).fetchone()
            for statement in (
                "SELECT count(*) FROM public.tenancy_tenant",
                "SELECT count(*) FROM public.events_event",
                "SELECT count(*) FROM public.tenancy_tenant WHERE NOT is_local",
            )
        ]
        erased = _erased(connection)
    numbers = [int(row[0]) if row else 0 for row in rows]
    return Found(mark["forked_at"], *numbers, erased)


def _erased(connection: psycopg.Connection[Any]) -> int:
    """What was erased after this moment, as certificates and ids from off site say."""
    row = connection.execute("SELECT to_regclass('public.tenants_erasedperson')").fetchone()
    if row is None or row[0] is None:
        return 0
    row = connection.execute(
        "SELECT (SELECT count(*) FROM public.tenants_organisation AS o"
        " JOIN public.tenants_erasure AS e ON e.organisation = o.uuid"
        " WHERE e.erased_at IS NOT NULL)"
        " + (SELECT count(*) FROM public.tenants_erasedperson WHERE restored_at IS NOT NULL)"
    ).fetchone()
    return int(row[0]) if row else 0


def _tell(terminal: Terminal, found: Found, kit: Kit) -> None:
    terminal.line()
    terminal.line(f"  The platform is back as it was until {found.reaches} (UTC).")
    terminal.line(f"  {found.tenants} tenants, {found.events} events of the operator's log.")
    terminal.line()
    terminal.line("  What is next:")
    terminal.line("  1. See that the old machine stays off: this one writes to the backup now.")
    terminal.line("  2. make up   migrates what an older release left, and starts everything.")
    domains = [kit.environment[name].reveal() for name in _PLAIN[:2] if name in kit.environment]
    named = " and ".join(domains) or "your domains"
    terminal.line(f"  3. Have the DNS of {named} (and *.) lead to this machine.")
    if found.dedicated:
        terminal.line(
            f"  4. {found.dedicated} workspaces have stacks of their own. Those on hosts that are"
            " there are found again; those on hosts that are gone need their own backup."
        )
    if found.erased:
        terminal.line(
            f"  {found.erased} erasures are younger than this moment. What they erased is back:"
            " manage.py erase_again lists it and erases it again."
        )
    terminal.line("  Then make a full backup and a new recovery kit on the page Backups.")
    terminal.line("  A log that ends before a mark elsewhere: manage.py accept_restored_log --all")
    terminal.line()


def _mark(options: Options) -> Mark:
    return Mark(options.var / _MARK)
