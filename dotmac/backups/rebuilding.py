"""What every rebuild does alike, whichever machine it makes: the kit, the moment, how far it is."""

from __future__ import annotations

import getpass
import json
import os
import shutil
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg

from dotmac.backups.choosing import Route, choose
from dotmac.backups.database import Programs
from dotmac.backups.errors import BackupError, WrongKeyError
from dotmac.backups.kit import Kit, open_kit
from dotmac.backups.rclone import Store
from dotmac.backups.records import read_bundles, read_repository, read_sets
from dotmac.backups.restoring import recovered
from dotmac.crypto.secret import Secret

# Fetched, put together, and replayed: how much room a restored byte takes at most.
ROOM_FACTOR = 3


class Mark:
    """A file that says whose rebuild is under way and how far it is; nothing secret is in it."""

    def __init__(self, file: Path) -> None:
        self._file = file

    @property
    def file(self) -> Path:
        """Where it lies."""
        return self._file

    def is_there(self) -> bool:
        """Whether a rebuild was begun here and has not come to its end."""
        return self._file.exists()

    def read(self) -> dict[str, Any]:
        """What was noted; nothing before a rebuild."""
        found: dict[str, Any] = json.loads(self._file.read_text()) if self.is_there() else {}
        return found

    def note(self, **values: object) -> None:
        """Add to it, in one step; BackupError where it is of another installation."""
        known = self.read()
        if known.get("installation", values["installation"]) != values["installation"]:
            text = f"{self._file} is of another installation's rebuild. End that one, or delete it."
            raise BackupError(text, permanent=True)
        new = self._file.with_suffix(".new")
        new.unlink(missing_ok=True)
        descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as output:
            output.write(json.dumps({**known, **values}))
        new.replace(self._file)

    def end(self) -> None:
        """It is rebuilt."""
        self._file.unlink(missing_ok=True)


@dataclass(frozen=True)
class Arrived:
    """A database at its moment: which cluster it is, and how its new timeline branches off."""

    system_id: str
    timeline: int
    history: str


def passphrase(environment: Mapping[str, str]) -> Secret:
    """From KIT_PASSPHRASE_FILE, from KIT_PASSPHRASE, or asked for; BackupError without anybody."""
    if file := environment.get("KIT_PASSPHRASE_FILE"):
        return Secret(_text_of(Path(file)).rstrip("\n"))
    if given := environment.get("KIT_PASSPHRASE"):
        return Secret(given)
    if not sys.stdin.isatty():
        text = "Nobody is here to enter the passphrase: set KIT_PASSPHRASE_FILE."
        raise BackupError(text, permanent=True)
    return Secret(getpass.getpass("  Passphrase of the recovery kit: "))


def moment(text: str) -> datetime | None:
    """A time as a person writes it, in UTC unless it says another offset; None for nothing."""
    if not text:
        return None
    try:
        found = datetime.fromisoformat(text)
    except ValueError as error:
        why = f'AT is {text!r}. Write it as AT="2026-11-29 17:00".'
        raise BackupError(why, permanent=True) from error
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def opened(file: Path, secret: Secret, command: str) -> tuple[Kit, Store]:
    """A kit and the place that it leads to; BackupError where this command is not its."""
    kit = open_kit(_text_of(file), secret)
    if kit.command != command:
        text = f"This kit is of an installation that comes back by: make {kit.command} KIT={file}"
        raise BackupError(text, permanent=True)
    store = Store(kit.target, kit.key)
    if read_repository(store).installation != kit.installation:
        text = f"{kit.target.address} holds the backups of another installation than this kit."
        raise WrongKeyError(text, permanent=True)
    return kit, store


def way_to(store: Store, at: datetime | None, root: Path) -> Route:
    """What leads to a moment; BackupError where none does, or `root` has too little room."""
    route = choose(read_repository(store), read_sets(store), read_bundles(store), at)
    needed = ROOM_FACTOR * sum(one.read_bytes for one in route.sets)
    free = shutil.disk_usage(root).free
    if free < needed:
        text = f"It needs {needed >> 20:,} MB in {root}; {free >> 20:,} are free."
        raise BackupError(text, permanent=True)
    return route


def arrive(
    data: Path, route: Route, programs: Programs, *, database: str, beat: Callable[[], None]
) -> Arrived:
    """Replay a fetched directory up to its moment; it is on the disk then, and started nowhere."""
    with (
        recovered(data, route, programs, database=database, beat=beat) as found,
        psycopg.connect(**found.connection, dbname=database) as connection,
    ):
        row = connection.execute(
            "SELECT substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8),"
            " (SELECT system_identifier FROM pg_control_system())"
        ).fetchone()
    timeline, system_id = row or ("1", "")
    # Nothing was synchronised while it was unpacked.
    os.sync()
    return Arrived(str(system_id), int(timeline, 16), _history(data, int(timeline, 16)))


def _text_of(file: Path) -> str:
    try:
        return file.read_text()
    except OSError as error:
        raise BackupError(f"{file} cannot be read: {error.strerror}.", permanent=True) from error


def _history(data: Path, timeline: int) -> str:
    """How the new timeline branches off; the server archived nothing of it itself."""
    file = data / "pg_wal" / f"{timeline:08X}.history"
    return file.read_text() if file.exists() else ""
