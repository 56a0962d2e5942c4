"""What a repository says of itself: sets of the database, generations, and when each WAL came.

repository.json                     whose it is, and its generations
sets/<name>/set.json                written last: without it a set does not count
sets/<name>/base.tar.gz             the database's files, full or what changed since the parent
sets/<name>/manifest.gz             PostgreSQL's manifest, for the next incremental
files/<time>.tar.gz                 keys, secrets, uploads
wal/<generation>/<time>_<first>_<last>.tar   segments, each by gzip
"""

from __future__ import annotations

import json
import re
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from dotmac.backups.errors import BackupError, MissingError, WrongKeyError
from dotmac.backups.rclone import Store

REPOSITORY = "repository.json"
FULL, DIFFERENTIAL = "full", "differential"
_STAMP = "%Y%m%dT%H%M%S.%fZ"
_BUNDLE = re.compile(r"wal/(\d{4})/([0-9TZ.]+)_([0-9A-F]{8,24})[^_]*_([0-9A-F]{8,24})[^_]*\.tar\Z")


def stamp(at: datetime) -> str:
    """A time as it stands in names; they sort as the times do."""
    return at.astimezone(UTC).strftime(_STAMP)


def from_stamp(text: str) -> datetime:
    """The reverse of `stamp`."""
    return datetime.strptime(text, _STAMP).replace(tzinfo=UTC)


@dataclass(frozen=True)
class Generation:
    """One machine that wrote here; a rebuilt one begins another.

    `token` is known to that machine alone. `forked_at` is up to when it has what came before.
    """

    token: str
    began_at: str
    forked_at: str = ""
    timeline: int = 1


@dataclass(frozen=True)
class Repository:
    """Whose backups these are."""

    installation: str
    generations: tuple[Generation, ...]
    format: int = 1

    @property
    def current(self) -> Generation:
        """The one that writes now."""
        return self.generations[-1]

    @property
    def number(self) -> int:
        """Of the current generation, from 1."""
        return len(self.generations)


@dataclass(frozen=True)
class Part:
    """An object of a set, as it was written."""

    sha256: str
    bytes: int


@dataclass(frozen=True)
class BackupSet:
    """One backup of the database."""

    name: str
    kind: str
    generation: int
    started_at: str
    finished_at: str
    start_wal: str
    server_version: int
    system_id: str
    version: str
    # Bytes of the files that were read, before compression.
    read_bytes: int
    parent: str = ""
    parts: dict[str, Part] = field(default_factory=dict)

    @property
    def size(self) -> int:
        """Bytes it takes at the target."""
        return sum(part.bytes for part in self.parts.values())

    @property
    def began(self) -> datetime:
        """When its reading began."""
        return from_stamp(self.started_at)

    @property
    def ended(self) -> datetime:
        """The earliest time that it can be restored to."""
        return from_stamp(self.finished_at)


@dataclass(frozen=True)
class Bundle:
    """Segments that were carried together; `at` is when the newest of them was closed."""

    name: str
    generation: int
    at: datetime
    first: str
    last: str


def read_repository(store: Store) -> Repository:
    """MissingError where nothing was begun, WrongKeyError where the key does not fit."""
    try:
        values = json.loads(store.read(REPOSITORY))
    except MissingError:
        raise
    except BackupError as error:
        if "another key" not in str(error):
            raise
        text = (
            f"{store.target.address} holds the backups of another installation, or has another key."
        )
        raise WrongKeyError(text, permanent=True) from error
    generations = tuple(Generation(**one) for one in values.pop("generations"))
    return Repository(generations=generations, **values)


def write_repository(store: Store, repository: Repository) -> None:
    """Say whose it is."""
    store.write(REPOSITORY, _json(asdict(repository)))


def read_sets(store: Store) -> list[BackupSet]:
    """All that count, the oldest first."""
    names = [entry.name for entry in store.list("sets") if entry.name.endswith("/set.json")]
    with TemporaryDirectory() as folder:
        store.download("", names, Path(folder))
        found = [_parse_set((Path(folder) / name).read_bytes()) for name in names]
    return sorted(found, key=lambda one: one.finished_at)


def write_set(store: Store, made: BackupSet) -> None:
    """Have a set count."""
    store.write(f"sets/{made.name}/set.json", _json(asdict(made)))


def read_bundles(store: Store) -> list[Bundle]:
    """All WAL that is there, in order."""
    found = [bundle for entry in store.list("wal") if (bundle := parse_bundle(entry.name))]
    return sorted(found, key=lambda one: (one.generation, one.at, one.last))


def parse_bundle(name: str) -> Bundle | None:
    """What a name of the store says; None for one that is no bundle."""
    match = _BUNDLE.match(name)
    if match is None:
        return None
    generation, at, first, last = match.groups()
    return Bundle(name, int(generation), from_stamp(at), first, last)


def _parse_set(content: bytes) -> BackupSet:
    values: dict[str, Any] = json.loads(content)
    parts = {key: Part(**one) for key, one in values.pop("parts").items()}
    return BackupSet(parts=parts, **values)


def _json(values: dict[str, Any]) -> bytes:
    return json.dumps(values, indent=1, sort_keys=True).encode()
