"""What tests of backups do again and again."""

import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg

from dev import postgres
from dotmac.backups import Database, Repository, Store
from dotmac.backups.choosing import choose
from dotmac.backups.records import (
    Generation,
    read_bundles,
    read_repository,
    read_sets,
    stamp,
    write_repository,
)
from dotmac.backups.restoring import fetch, recovered
from tests.live_platform import until

TOKEN = "this machine"
# Nobody misses it when the power fails.
ARCHIVING = {**postgres.SETTINGS, "fsync": "off"}
Server = psycopg.Connection[Any]


def nothing() -> None:
    """Nobody waits."""


def begun(store: Store) -> Repository:
    """A repository of an installation, with one generation."""
    first = Generation(TOKEN, stamp(datetime.now(UTC)))
    made = Repository("an installation", (first,))
    write_repository(store, made)
    return made


def write(server: Server, text: str) -> datetime:
    """Commit a row; returns a moment after it and before what comes next, on this clock."""
    server.execute("INSERT INTO note VALUES (%s)", [text])
    time.sleep(0.02)
    at = datetime.now(UTC)
    time.sleep(0.02)
    return at


def close(server: Server, database: Database) -> str:
    """Have what is committed lie in the spool; returns the segment's name."""
    row = server.execute("SELECT pg_walfile_name(pg_switch_wal())").fetchone()
    name = str(row[0]) if row else ""
    until((database.spool / name).exists, what=f"Segment {name} in the spool")
    return name


@contextmanager
def restored(
    cluster: Database, store: Store, folder: Path, at: datetime | None = None
) -> Iterator[list[str]]:
    """The notes of a server that was brought back."""
    route = choose(read_repository(store), read_sets(store), read_bundles(store), at)
    data = fetch(store, route, cluster.programs, folder / "restored", beat=nothing)
    with (
        recovered(data, route, cluster.programs, database="postgres", beat=nothing) as found,
        psycopg.connect(**found.connection, dbname="postgres") as connection,
    ):
        rows = connection.execute("SELECT text FROM note ORDER BY text").fetchall()
        yield [row[0] for row in rows]
    shutil.rmtree(folder / "restored")
