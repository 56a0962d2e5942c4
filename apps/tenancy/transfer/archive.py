"""The file: a tar of a manifest, one member for each table, and a digest of the manifest.

Any tar program opens it. We write it in one pass, and read it so that each byte is one that we
would have written: headers and padding are compared, data is checked by SHA-256.
"""

import glob
import hashlib
import os
import secrets
import tarfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import BinaryIO

from django.utils.translation import gettext as _

from apps.tenancy.exceptions import DamagedArchiveError
from apps.tenancy.transfer.manifest import Manifest, Table, read_manifest

MANIFEST, SEAL = "manifest.json", "manifest.sha256"
BLOCK = tarfile.BLOCKSIZE
# Enough for the manifest of any tenant, and not for a file that only says that it has one.
_LONGEST_MANIFEST = 64 * 1024**2
_SEAL_SIZE = 65
_END = bytes(2 * BLOCK)
_PIECE = 256 * 1024


class ArchiveWriter:
    """Writes to a file that can be sought in; until `close` its manifest is blank.

    Room for the manifest is kept at the beginning, since what it says is known at the end.
    """

    def __init__(self, file: BinaryIO, draft: Manifest) -> None:
        self._file, self._draft = file, draft
        self._room = len(draft.written())
        self._tables: list[Table] = []
        self._header(MANIFEST, self._room)
        self._fill(b" " * self._room)

    def add(self, table: Table, pieces: Iterable[tuple[bytearray, int]]) -> Iterator[Table]:
        """Write a table as it comes, in pieces with their rows; yields it after each of them."""
        start = self._file.tell()
        self._header(_member(table), 0)
        digest, size, rows = hashlib.sha256(), 0, 0
        for piece, count in pieces:
            digest.update(piece)
            self._file.write(piece)
            size, rows = size + len(piece), rows + count
            yield table.model_copy(update={"rows": rows, "bytes": size})
        self._file.write(_padding(size))
        facts = {"rows": rows, "bytes": size, "sha256": digest.hexdigest()}
        self._tables.append(table.model_copy(update=facts))
        end = self._file.tell()
        self._file.seek(start)
        self._header(_member(table), size)
        self._file.seek(end)

    def close(self, **facts: object) -> Manifest:
        """Complete the manifest with what is known only now, and the file."""
        done = self._draft.model_copy(update={"tables": self._tables, **facts})
        text = done.written().ljust(self._room)
        self._header(SEAL, _SEAL_SIZE)
        self._fill(hashlib.sha256(text).hexdigest().encode() + b"\n")
        self._file.write(_END)
        self._file.seek(BLOCK)
        self._file.write(text)
        self._file.flush()
        os.fsync(self._file.fileno())
        return done

    def _header(self, name: str, size: int) -> None:
        self._file.write(_header(name, size))

    def _fill(self, content: bytes) -> None:
        self._file.write(content + _padding(len(content)))


class ArchiveReader:
    """Reads from its beginning to its end; DamagedArchiveError where a byte is not as written."""

    def __init__(self, file: BinaryIO, size: int) -> None:
        self._file = file
        text = self._manifest(size)
        self.manifest = read_manifest(text)
        # Of the manifest, which covers all of it.
        self.digest = hashlib.sha256(text).hexdigest()
        self._check_length(size, len(text))
        self._check_seal(size)
        self._file.seek(BLOCK + _filled(len(text)))

    def tables(self) -> Iterator[tuple[Table, Iterator[bytes]]]:
        """Each table with its data; whoever asks for the next has read the one before to its end.

        What was read is proven only then, so nothing of it may be committed before the last.
        """
        for table in self.manifest.tables:
            self._expect(_header(_member(table), table.bytes), table.name)
            yield table, self._pieces(table)

    def _pieces(self, table: Table) -> Iterator[bytes]:
        digest, left = hashlib.sha256(), table.bytes
        while left:
            piece = self._file.read(min(_PIECE, left))
            if not piece:
                raise _cut()
            digest.update(piece)
            left -= len(piece)
            yield piece
        self._expect(_padding(table.bytes), table.name)
        if digest.hexdigest() != table.sha256:
            raise altered(table.name)

    def _manifest(self, size: int) -> bytes:
        header = self._file.read(BLOCK)
        try:
            length = tarfile.TarInfo.frombuf(header, "ascii", "strict").size
        except tarfile.HeaderError:
            raise DamagedArchiveError(_("This file is no archive of a tenant.")) from None
        if header != _header(MANIFEST, length) or not 0 < length <= _LONGEST_MANIFEST:
            raise DamagedArchiveError(_("This file is no archive of a tenant."))
        if size < BLOCK + _filled(length):
            raise _cut()
        text = self._file.read(length)
        self._expect(_padding(length), MANIFEST)
        if not text.strip():
            raise DamagedArchiveError(
                _("This archive was never finished: its export was interrupted. Export it again.")
            )
        return text

    def _check_length(self, size: int, manifest: int) -> None:
        members = [manifest, *(table.bytes for table in self.manifest.tables), _SEAL_SIZE]
        whole = sum(BLOCK + _filled(one) for one in members) + len(_END)
        if size < whole:
            raise DamagedArchiveError(
                _(
                    "This archive was cut: %(whole)s bytes were written, %(left)s are left. Copy it"
                    " again."
                )
                % {"whole": whole, "left": size}
            )
        if size > whole:
            text = _("%(count)s bytes were added to this archive.")
            raise DamagedArchiveError(text % {"count": size - whole})

    def _check_seal(self, size: int) -> None:
        self._file.seek(size - len(_END) - BLOCK - _filled(_SEAL_SIZE))
        seal = self.digest.encode() + b"\n"
        self._expect(_header(SEAL, _SEAL_SIZE) + seal + _padding(_SEAL_SIZE) + _END, MANIFEST)

    def _expect(self, wanted: bytes, place: str) -> None:
        if self._file.read(len(wanted)) != wanted:
            raise altered(place)


def part_of(path: Path) -> Path:
    """A name of one's own beside a file, for what is written until it is whole."""
    return path.with_name(f".{path.name}.{os.getpid()}-{secrets.token_hex(4)}.part")


def parts_of(path: Path) -> list[Path]:
    """Whatever lies beside a file under such a name."""
    return sorted(path.parent.glob(f".{glob.escape(path.name)}.*.part"))


def _member(table: Table) -> str:
    return f"tables/{table.name}.copy"


def _header(name: str, size: int) -> bytes:
    """The one header that a member has: a private file without owner or time."""
    info = tarfile.TarInfo(name)
    info.size, info.mode = size, 0o600
    return info.tobuf(tarfile.GNU_FORMAT)


def _padding(size: int) -> bytes:
    return bytes(-size % BLOCK)


def _filled(size: int) -> int:
    return size + -size % BLOCK


def _cut() -> DamagedArchiveError:
    return DamagedArchiveError(_("This archive was cut. Copy it again from where it was made."))


def altered(place: str) -> DamagedArchiveError:
    """That a part of it is not what was written."""
    return DamagedArchiveError(
        _(
            "This archive was altered, or damaged on its way: %(place)s is not what was exported."
            " Copy it again from where it was made."
        )
        % {"place": place}
    )
