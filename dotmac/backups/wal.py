"""Carrying the database's closed WAL from this machine to the repository, in order."""

from __future__ import annotations

import gzip
import io
import re
import tarfile
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from dotmac.backups.errors import TakenOverError
from dotmac.backups.rclone import Store
from dotmac.backups.records import Repository, read_repository, stamp

SEGMENT_BYTES = 16 << 20
# As many segments go in one object.
_TOGETHER = 32
_NEEDED = re.compile(r"[0-9A-F]{24}\Z|[0-9A-F]{8}\.history\Z")
_SEGMENT = re.compile(r"[0-9A-F]{24}\Z")
_PER_LOG = 256


@dataclass(frozen=True)
class Carried:
    """What one turn did: how many files, up to when, and what is left here."""

    files: int
    at: datetime | None
    left: int


def held(store: Store, token: str) -> Repository:
    """The repository, if this machine is the one that writes there; else TakenOverError."""
    repository = read_repository(store)
    if repository.current.token != token:
        began = repository.current.began_at[:8]
        text = (
            f"Another machine was rebuilt from {store.target.address} on {began} and writes there"
            " now. This one must not: end it, or give it a target of its own."
        )
        raise TakenOverError(text, permanent=True)
    return repository


def carry(
    spool: Path, store: Store, generation: int, *, most: int = 10, beat: Callable[[], None]
) -> Carried:
    """Carry what lies in the spool, at most so many objects; what has arrived is deleted here."""
    carried, newest = 0, None
    for _turn in range(most):
        waiting = waiting_in(spool)
        batch = waiting[:_TOGETHER]
        if not batch:
            break
        beat()
        newest = _carry(batch, store, generation)
        carried += len(batch)
    return Carried(carried, newest, len(waiting_in(spool)))


def waiting_in(spool: Path) -> list[Path]:
    """The files that wait, in the order of the database; what no restore needs goes."""
    if not spool.is_dir():
        return []
    found = []
    for file in sorted(spool.iterdir()):
        if _NEEDED.match(file.name):
            found.append(file)
        elif not file.name.startswith("."):
            file.unlink(missing_ok=True)
    return found


def size_of(files: Sequence[Path]) -> int:
    """Bytes that they take here."""
    return sum(file.stat().st_size for file in files)


def keep_within(spool: Path, most_bytes: int) -> int:
    """Delete the oldest that are too many, so that the disk stays free; returns how many.

    What is deleted is a gap: only a backup that is made after it reaches the time after it.
    """
    waiting = waiting_in(spool)
    excess, deleted = size_of(waiting) - most_bytes, 0
    for file in waiting:
        if excess <= 0:
            break
        excess -= file.stat().st_size
        file.unlink()
        deleted += 1
    return deleted


def next_segment(name: str) -> str:
    """The segment after this one on its timeline."""
    timeline, log, number = name[:8], int(name[8:16], 16), int(name[16:], 16)
    log, number = (log, number + 1) if number + 1 < _PER_LOG else (log + 1, 0)
    return f"{timeline}{log:08X}{number:08X}"


def segment_of(timeline: int, lsn: str) -> str:
    """The segment in which a position lies."""
    high, low = (int(part, 16) for part in lsn.split("/"))
    return f"{timeline:08X}{high:08X}{low // SEGMENT_BYTES:08X}"


def is_segment(name: str) -> bool:
    """Whether a name is that of a segment."""
    return bool(_SEGMENT.match(name))


def _carry(batch: Sequence[Path], store: Store, generation: int) -> datetime:
    # What `cp -p` left: when the segment was last written to.
    newest = max(file.stat().st_mtime for file in batch)
    at = datetime.fromtimestamp(newest, UTC)
    first, last = batch[0].name, batch[-1].name
    with tempfile.TemporaryDirectory(prefix="dotmac-wal-") as folder:
        packed = Path(folder) / "bundle.tar"
        _pack(batch, packed)
        name = f"wal/{generation:04}/{stamp(at)}_{first}_{last}.tar"
        store.upload(packed, name)
    for file in batch:
        file.unlink(missing_ok=True)
    return at


def _pack(batch: Sequence[Path], into: Path) -> None:
    with tarfile.open(into, "w") as bundle:
        for file in batch:
            content = gzip.compress(file.read_bytes(), compresslevel=1, mtime=0)
            entry = tarfile.TarInfo(f"{file.name}.gz")
            entry.size, entry.mtime = len(content), int(file.stat().st_mtime)
            bundle.addfile(entry, io.BytesIO(content))
