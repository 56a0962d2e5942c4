"""What lies beside the database and nowhere else: keys, secrets, certificates, uploads."""

from __future__ import annotations

import hashlib
import os
import shutil
import tarfile
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from dotmac.backups.errors import DamagedError, MissingError
from dotmac.backups.rclone import Store
from dotmac.backups.records import stamp
from dotmac.backups.retention import file_time

Places = Mapping[str, Path]
_MEDIA = "media"
# Below a schema's uploads: files on their way out or in, which are asked for or uploaded again.
# Each is as large as a tenant, and would send everything anew.
_PASSING = ("exports", "imports")


def places_of(*, base: Path, var: Path, media: Path, home: Path) -> Places:
    """What it is in a checkout: the project's folder, its var, its uploads, its database's home.

    `home` is where the database's passwords are (dev.cluster).
    """
    return {
        "env": base / ".env",
        "secrets.env": var / "secrets.env",
        "keys": var / "keys",
        _MEDIA: media,
        "password": home / "password",
        "superuser.password": home / "superuser.password",
    }


def places_of_server(*, env_file: Path, var: Path, media: Path) -> Places:
    """What it is on a server (dotmac.server), whose database knows its users by the system."""
    return {"dotmac.env": env_file, "keys": var / "keys", "media": media}


def fingerprint(places: Places) -> str:
    """Changes whenever a file comes, goes or is written to; reads no content."""
    digest = hashlib.sha256()
    for name, path in _files(places):
        try:
            found = path.stat()
        except FileNotFoundError:
            continue
        digest.update(f"{name}\0{found.st_size}\0{found.st_mtime_ns}\n".encode())
    return digest.hexdigest()


def send(store: Store, places: Places) -> str:
    """Put all of it into the repository as it stands; returns the object's name."""
    name = f"files/{stamp(datetime.now(UTC))}.tar.gz"
    with tempfile.TemporaryDirectory(prefix="dotmac-files-") as folder:
        packed = Path(folder) / "files.tar.gz"
        with tarfile.open(packed, "w:gz", compresslevel=1) as archive:
            for inner, path in _files(places):
                # One that is gone since it was found is as one that was never there.
                with suppress(FileNotFoundError):
                    archive.add(path, inner, recursive=False)
        packed.chmod(0o600)
        store.upload(packed, name)
    return name


def fetch(store: Store, places: Places, at: datetime | None = None) -> list[str]:
    """Bring the newest before a time back to its places; returns what was written.

    The first there is serves a time before it. Nothing that is there already is replaced.
    """
    names = sorted(entry.name for entry in store.list("files"))
    if not names:
        raise MissingError("The repository holds no keys and uploads.", permanent=True)
    before = [name for name in names if at is None or file_time(name) <= at]
    folder, _slash, file = (before[-1] if before else names[0]).rpartition("/")
    with tempfile.TemporaryDirectory(prefix="dotmac-files-") as fetched:
        # Whole and proven before anything is put where it belongs.
        store.download(folder, [file], Path(fetched))
        try:
            with tarfile.open(Path(fetched) / file, mode="r:gz") as archive:
                return [done for member in archive if (done := _put(archive, member, places))]
        except (tarfile.TarError, OSError, EOFError) as error:
            text = f"{folder}/{file} in {store.target.address}: {error}"
            raise DamagedError(text) from error


def _put(archive: tarfile.TarFile, member: tarfile.TarInfo, places: Places) -> str:
    top, _slash, rest = member.name.partition("/")
    place = places.get(top)
    if place is None or not member.isfile() or ".." in Path(member.name).parts:
        return ""
    path = place / rest if rest else place
    if path.exists():
        return ""
    path.parent.mkdir(parents=True, exist_ok=True)
    opened = archive.extractfile(member)
    # Whole or not there: whoever is killed half way is run again, and replaces nothing.
    new = path.with_name(f".{path.name}.new")
    new.unlink(missing_ok=True)
    descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, member.mode & 0o777)
    with os.fdopen(descriptor, "wb") as output:
        if opened:
            shutil.copyfileobj(opened, output)
    new.rename(path)
    return member.name


def _files(places: Places) -> list[tuple[str, Path]]:
    """Every file below the places, by the name it has inside."""
    found: list[tuple[str, Path]] = []
    for name, place in places.items():
        if place.is_file():
            found.append((name, place))
        elif place.is_dir():
            below = [
                file
                for file in sorted(place.rglob("*"))
                if file.is_file() and not (name == _MEDIA and _passes(file.relative_to(place)))
            ]
            found += [(f"{name}/{file.relative_to(place)}", file) for file in below]
    return found


def _passes(below_media: Path) -> bool:
    """Whether it is <schema>/exports/… or <schema>/imports/…"""
    return len(below_media.parts) > 2 and below_media.parts[1] in _PASSING
