"""The server's own PostgreSQL, from the distribution: a role by its socket, and a database."""

from __future__ import annotations

import grp
import os

from dotmac.backups.database import SPOOL, archive_command, has_incrementals
from dotmac.server import cluster
from dotmac.server.children import identity
from dotmac.server.cluster import Cluster
from dotmac.server.errors import SetupError
from dotmac.server.options import Options

NAME = "dotmac"
_OLDEST = 15
# A thousand schemas are migrated and dumped in transactions that touch many tables each.
_LEAST = {"max_connections": 200, "max_locks_per_transaction": 256}
# Of a directory that the services' user writes to, and PostgreSQL enters: nobody else does.
_GATE = 0o710


def rights(role: str) -> list[str]:
    """What the platform's role may beside its own database; statements of a superuser.

    No more: below PostgreSQL 16 whoever may make roles can make itself one that runs programs.
    """
    return [
        f'ALTER ROLE "{role}" LOGIN NOCREATEDB NOCREATEROLE',
        f'GRANT pg_monitor, pg_checkpoint TO "{role}"',
        f'GRANT SET ON PARAMETER session_replication_role TO "{role}"',
    ]


def backup_rights(role: str) -> list[str]:
    """What it may to back the whole cluster up; said in the database that it asks from."""
    return [
        f'ALTER ROLE "{role}" REPLICATION',
        f'GRANT EXECUTE ON FUNCTION pg_switch_wal() TO "{role}"',
    ]


def ensure(options: Options) -> None:
    """Make role and database unless they are there; SetupError when the server refuses.

    The role has no password: whoever the system knows by its name comes in by the socket.
    """
    role, server = options.role, cluster.find(options.database_port)
    server.start()
    check_version(server)
    if not server.ask("SELECT 1 FROM pg_roles WHERE rolname = :'name'", role):
        server.ask('CREATE ROLE :"name" LOGIN', role)
    for statement in rights(role):
        server.ask(statement)
    if not server.ask("SELECT 1 FROM pg_database WHERE datname = :'name'", NAME):
        # Not as the template is: an image's locale may be one that knows no letters.
        how = "TEMPLATE template0 ENCODING 'UTF8' LOCALE 'C.UTF-8'"
        server.ask(f'CREATE DATABASE :"name" {how}', NAME)
    server.ask(f'ALTER DATABASE "{NAME}" OWNER TO :"name"', role)
    for statement in backup_rights(role):
        server.ask(statement, database=NAME)
    _make_gate(options)
    _ensure_settings(options, server)


def settings(options: Options) -> dict[str, str]:
    """What the platform is told of it, to back it up; nothing of one that another keeps."""
    if not options.keeps_database:
        return {}
    programs = cluster.find(options.database_port).programs
    return {"DATABASE_ROOT": str(options.layout.database), "DATABASE_BINARIES": str(programs)}


def is_there(options: Options) -> bool:
    """Whether role and database are; also False where no server answers."""
    try:
        server = cluster.find(options.database_port)
        found = server.ask("SELECT 1 FROM pg_roles WHERE rolname = :'name'", options.role)
        return bool(found and server.ask("SELECT 1 FROM pg_database WHERE datname = :'name'", NAME))
    except SetupError:
        return False


def check_version(server: Cluster) -> None:
    """Raise SetupError for a server that is too old."""
    if server.version < _OLDEST:
        raise SetupError(
            f"PostgreSQL here is {server.version}; DotMac needs {_OLDEST} or newer. Use a newer "
            "Debian, or name another server by DATABASE_URL."
        )


def _make_gate(options: Options) -> None:
    """The directory in which WAL is laid aside while backups are on, and restores are tested."""
    folder = options.layout.database
    folder.mkdir(exist_ok=True)
    owner = identity(options).get("user", os.geteuid())
    os.chown(folder, owner, grp.getgrnam(cluster.OWNER).gr_gid)
    folder.chmod(_GATE)


def _ensure_settings(options: Options, server: Cluster) -> None:
    """Most are read when the server starts: it is started anew, once, before anything uses it."""
    changed = False
    for name, least in _LEAST.items():
        if int(server.ask(f"SHOW {name}")) < least:
            server.ask(f"ALTER SYSTEM SET {name} = {least}")
            changed = True
    if server.ask("SHOW archive_mode") == "off":
        server.ask("ALTER SYSTEM SET archive_mode = 'on'")
        changed = True
    _ensure_archiving(options, server)
    if has_incrementals(server.version):
        server.ask("ALTER SYSTEM SET summarize_wal = 'on'")
    server.ask("SELECT pg_reload_conf()")
    if changed:
        server.restart()


def _ensure_archiving(options: Options, server: Cluster) -> None:
    """Have closed WAL laid aside for the platform; SetupError where somebody else carries it."""
    wanted = archive_command(options.layout.database / SPOOL)
    present = server.ask("SELECT setting FROM pg_settings WHERE name = 'archive_command'")
    if present == wanted:
        return
    if present not in ("", "(disabled)"):
        raise SetupError(
            f"PostgreSQL here archives already, by: {present}. DotMac does that for its backups. "
            "Take it away by ALTER SYSTEM RESET archive_command and from its settings, then run "
            "this again; or go on with your own, by PACKAGES=off and a BACKUP_COMMAND."
        )
    server.ask("ALTER SYSTEM SET archive_command = :'name'", wanted)
