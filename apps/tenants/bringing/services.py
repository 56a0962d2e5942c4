"""Files that wait to be brought in, what each would become, and the start."""

import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import BinaryIO

from django.db import transaction
from django.utils import timezone
from django.utils.text import get_valid_filename
from django.utils.translation import gettext as _

from apps.core.exceptions import DomainError, NotFoundError
from apps.events.actors import Actor, Subject
from apps.operations import services as operations
from apps.operations.models import Operation
from apps.tenancy import files
from apps.tenancy.kinds import PUBLIC
from apps.tenancy.transfer.archive import ArchiveReader
from apps.tenancy.transfer.importing import Look, look_into, read_through

PIPELINE = "tenants.import"
KEPT = timedelta(days=7)
_ENDING = ".dotmac"
_LONGEST = 100
# Up to so many bytes all of a file is read while somebody waits for the page.
_SOON = 64 * 1024**2


@dataclass(frozen=True)
class Waiting:
    """A file that waits, in bytes, and until when it is kept."""

    name: str
    size: int
    until: datetime


def folder() -> Path:
    """Where they lie; what an administrator puts there is found too."""
    return files.folder_of(PUBLIC) / "imports"


def waiting() -> list[Waiting]:
    """All of them, the newest first."""
    found = []
    for file in folder().glob(f"*{_ENDING}"):
        try:
            state = file.stat()
        except FileNotFoundError:
            continue
        until = datetime.fromtimestamp(state.st_mtime, UTC) + KEPT
        found.append(Waiting(file.name, state.st_size, until))
    return sorted(found, key=lambda one: one.until, reverse=True)


def keep(name: str, pieces: Iterator[bytes]) -> str:
    """Lay an uploaded file down, whole or not at all; the name that it has from then on."""
    stem = get_valid_filename(name.removesuffix(_ENDING) or "tenant")[:_LONGEST].lstrip(".")
    kept = folder() / f"{stem}-{secrets.token_hex(4)}{_ENDING}"
    kept.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    part = kept.with_suffix(".part")
    try:
        with part.open("xb") as file:
            part.chmod(0o600)
            _copy(pieces, file)
        part.rename(kept)
    except OSError as error:
        raise DomainError(
            _("The file could not be kept: %(error)s.")
            % {"error": error.strerror or type(error).__name__}
        ) from error
    finally:
        part.unlink(missing_ok=True)
    return kept.name


def file_named(name: str) -> Path:
    """One of them; NotFoundError for any other."""
    # By the list of names: a path is none of them.
    if name not in {one.name for one in waiting()}:
        raise NotFoundError(_("There is no such file any more."))
    return folder() / name


def remove(name: str) -> None:
    """Keep it no longer."""
    file_named(name).unlink(missing_ok=True)


def look_at(name: str, *, slug: str = "") -> Look:
    """What it would become; DomainError says why it could not. Nothing is written.

    All of a small file is read; of a large one what it says of itself, and the rest by the
    operation's first step.
    """
    file = file_named(name)
    found = look_into(file, slug=slug)
    if file.stat().st_size <= _SOON:
        read_through(file)
    return found


@transaction.atomic
def start_import(name: str, *, slug: str = "", actor: Actor) -> Operation:
    """Begin to bring it in; DomainError says why not, BusyError while the same tenant comes in."""
    tenant = look_into(file_named(name), slug=slug).tenant
    about = Subject("archive", tenant.schema_name, f"{tenant.name} ({tenant.schema_name})")
    params = {"file": name, "slug": tenant.slug}
    return operations.start(PIPELINE, subject=about, actor=actor, params=params)


def forget_files() -> None:
    """Delete what nobody brought in for days, and what is left of uploads that broke off."""
    before = (timezone.now() - KEPT).timestamp()
    for file in folder().glob("*"):
        if file.is_file() and file.stat().st_mtime < before:
            file.unlink(missing_ok=True)


def forget_files_of(schema: str) -> None:
    """Delete files that hold a tenant whose schema is dropped here, unless one comes in now.

    That of an older release drops the schema that it has just made, to rebuild it.
    """
    coming = Operation.objects.filter(name=PIPELINE, status__in=Operation.ACTIVE)
    in_use = set(coming.values_list("params__file", flat=True))
    for one in waiting():
        if one.name in in_use:
            continue
        file = folder() / one.name
        try:
            with file.open("rb") as opened:
                holds = ArchiveReader(opened, one.size).manifest.schema_name
        except (DomainError, OSError):
            continue
        if holds == schema:
            file.unlink(missing_ok=True)


def _copy(pieces: Iterator[bytes], file: BinaryIO) -> None:
    for piece in pieces:
        file.write(piece)
