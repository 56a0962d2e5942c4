"""Taking a backup of the running database into the repository."""

from __future__ import annotations

import gzip
import hashlib
import json
import tarfile
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

import psycopg

from dotmac.backups.database import Database, has_incrementals
from dotmac.backups.errors import BackupError, DamagedError
from dotmac.backups.rclone import Store
from dotmac.backups.records import (
    DIFFERENTIAL,
    FULL,
    BackupSet,
    Part,
    Repository,
    read_sets,
    stamp,
    write_set,
)
from dotmac.backups.streams import BLOCK, DigestReader, GzipTee
from dotmac.backups.wal import carry, segment_of

BASE, MANIFEST = "base.tar.gz", "manifest.gz"
_MANIFEST_MEMBER = "backup_manifest"
Beat = Callable[[], None]


@dataclass(frozen=True)
class _Read:
    """What came out of the database: the part, its manifest, and how much was read."""

    base: Part
    manifest: bytes
    read_bytes: int


def take(
    database: Database, store: Store, repository: Repository, *, kind: str, version: str, beat: Beat
) -> BackupSet:
    """Make a set and have it count, after all of it was read back; BackupError otherwise.

    A differential one becomes full without a full set to build on, and on a server that knows no
    incremental backups. `beat` is called often and may raise to end it. What an ended one left is
    taken away by `retention.leftovers`.
    """
    server_version = database.version
    parent = None
    if kind == DIFFERENTIAL and has_incrementals(server_version):
        parent = _parent(store, repository, database)
    kind = DIFFERENTIAL if parent else FULL
    began = datetime.now(UTC)
    name = f"{stamp(began)}-{kind}"
    database.open_spool()
    with tempfile.TemporaryDirectory(prefix="dotmac-backup-") as folder:
        known = _manifest_of(store, parent, Path(folder), database) if parent else None
        read = _read(database, store, name, known, beat)
    manifest = gzip.compress(read.manifest, compresslevel=1, mtime=0)
    store.write(f"sets/{name}/{MANIFEST}", manifest)
    # Without the WAL from its beginning to its end it could not be started.
    carry(database.spool, store, repository.number, most=10_000, beat=beat)
    facts = json.loads(read.manifest)
    span = facts["WAL-Ranges"][-1]
    made = BackupSet(
        name=name,
        kind=kind,
        generation=repository.number,
        started_at=stamp(began),
        finished_at=stamp(datetime.now(UTC)),
        start_wal=segment_of(span["Timeline"], span["Start-LSN"]),
        server_version=server_version,
        system_id=_system_id(database),
        version=version,
        read_bytes=read.read_bytes,
        parent=parent.name if parent else "",
        parts={BASE: read.base, MANIFEST: _part_of(manifest)},
    )
    check(store, made, beat=beat)
    write_set(store, made)
    return made


def check(store: Store, made: BackupSet, *, beat: Beat) -> None:
    """Read all of a set back; DamagedError names what is not as it was written."""
    for part, written in made.parts.items():
        name = f"sets/{made.name}/{part}"
        with store.reading(name) as stream:
            reader = DigestReader(stream)
            while reader.read(BLOCK):
                beat()
        if reader.part != written:
            text = f"{name} in {store.target.address} is not what was written: {reader.part.bytes}"
            raise DamagedError(f"{text} of {written.bytes} bytes, or others.")


def _read(database: Database, store: Store, name: str, known: Path | None, beat: Beat) -> _Read:
    manifest = b""
    with (
        database.base_backup(name, known) as source,
        store.writing(f"sets/{name}/{BASE}") as into,
    ):
        tee = GzipTee(source, into, beat)
        # Read member by member only for the one that PostgreSQL adds at the end.
        with tarfile.open(fileobj=cast(Any, tee), mode="r|", bufsize=BLOCK) as members:
            for member in members:
                members.members = []  # type: ignore[attr-defined]
                if member.name.endswith(_MANIFEST_MEMBER):
                    opened = members.extractfile(member)
                    manifest = opened.read() if opened else b""
        base = tee.finish()
    if not manifest:
        raise BackupError("The database ended its backup too early; its log says why.")
    return _Read(base, manifest, tee.read_bytes)


def _parent(store: Store, repository: Repository, database: Database) -> BackupSet | None:
    """The newest full set of this very cluster, on this machine's generation."""
    known = _system_id(database)
    fulls = [
        one
        for one in read_sets(store)
        if one.kind == FULL and one.generation == repository.number and one.system_id == known
    ]
    return fulls[-1] if fulls else None


def _manifest_of(store: Store, parent: BackupSet, folder: Path, database: Database) -> Path:
    file = folder / _MANIFEST_MEMBER
    name = f"sets/{parent.name}/{MANIFEST}"
    content = store.read(name)
    if _part_of(content) != parent.parts[MANIFEST]:
        raise DamagedError(f"{name} in {store.target.address} is not what was written.")
    file.write_bytes(gzip.decompress(content))
    # pg_basebackup reads it as the server's user.
    for path in (folder, file):
        database.programs.give(path)
    return file


def _part_of(content: bytes) -> Part:
    return Part(hashlib.sha256(content).hexdigest(), len(content))


def _system_id(database: Database) -> str:
    with psycopg.connect(**database.connection) as server:
        row = server.execute("SELECT system_identifier FROM pg_control_system()").fetchone()
    return str(row[0]) if row else ""
