"""One tenant's schema as it was at a moment, while everybody else goes on.

What lies in it now is kept aside under another name. Rows of `public` stay as they are.
"""

import os
import subprocess
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import connection

from apps.backups.beside import beside
from apps.tenancy.kinds import kept_aside, schema_exists
from apps.tenancy.models import Tenant
from dotmac.backups import BackupError, Database, Store
from dotmac.backups.database import ENDS_WITH_US, environment
from dotmac.backups.restoring import Recovered

_FOLDER, _DUMP = "restore-schema", "schema.sql"
# Who still reads there is not waited for long: nobody could be served meanwhile.
_LOCK_WAIT = "10s"
_LIBPQ = {
    "host": "PGHOST",
    "port": "PGPORT",
    "user": "PGUSER",
    "password": "PGPASSWORD",  # nosec B105
    "dbname": "PGDATABASE",
    "sslmode": "PGSSLMODE",
    "sslrootcert": "PGSSLROOTCERT",
}


def bring_back(
    tenant: Tenant, server: Database, store: Store, *, at: datetime | None, beat: Callable[[], None]
) -> None:
    """Put the schema of that moment in the place of the one that is there: all of it, or nothing.

    Call it while nobody writes there. BackupError where there is none, or no way to the moment.
    """
    schema = tenant.schema_name
    if schema_exists(kept_aside(schema)):
        raise BackupError(
            f"{kept_aside(schema)} is there already, kept from another time. Drop or rename it.",
            permanent=True,
        )
    with beside(server, store, _FOLDER, at=at, beat=beat) as (_route, found):
        dump = server.root / _FOLDER / _DUMP
        # As a file first: of a dump that is cut off nothing may be taken.
        _dump(schema, found, server, dump)
        _replace(schema, server, dump)


def _dump(schema: str, found: Recovered, server: Database, to: Path) -> None:
    options = ["--no-owner", "--no-privileges", "--no-password", f"--schema={schema}"]
    options += [f"--host={found.sockets}", f"--username={found.connection['user']}"]
    name = settings.DATABASES["default"]["NAME"]
    command = server.programs.command("pg_dump", *options, name)
    with to.open("wb") as output:
        to.chmod(0o600)
        _run(command, environment(), server.programs.identity, stdout=output)


def _replace(schema: str, server: Database, dump: Path) -> None:
    """In one transaction."""
    # Names of schemas are of letters, digits, hyphens and underscores.
    statements = [f"SET lock_timeout = '{_LOCK_WAIT}'"]
    if schema_exists(schema):
        statements.append(f'ALTER SCHEMA "{schema}" RENAME TO "{kept_aside(schema)}"')
    options = ["-X", "--quiet", "--no-password", "--set=ON_ERROR_STOP=1", "--single-transaction"]
    options += [f"--command={statement}" for statement in statements]
    command = server.programs.command("psql", *options, "--file=-")
    with dump.open("rb") as source:
        _run(command, {**environment(), **_ours()}, {}, stdin=source, stdout=subprocess.DEVNULL)


def _ours() -> dict[str, str]:
    """The platform's database, for libpq."""
    given = connection.get_connection_params()
    return {name: str(given[key]) for key, name in _LIBPQ.items() if given.get(key)}


def _run(command: list[str], own: dict[str, str], identity: dict[str, Any], **streams: Any) -> None:
    ran = subprocess.run(
        [*ENDS_WITH_US, *command],
        cwd="/", env={**own, "HOME": os.devnull}, check=False, stderr=subprocess.PIPE,
        **streams, **identity,
    )  # fmt: skip
    if ran.returncode:
        tail = " ".join(ran.stderr.decode(errors="replace").split()[-60:])
        raise BackupError(f"{Path(command[0]).name} failed with code {ran.returncode}: {tail}")
