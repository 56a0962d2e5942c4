"""Reading a stream once, while it is digested, squeezed or carried on."""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Callable
from typing import IO

from dotmac.backups.records import Part

_GZIP = 31
_LEVEL = 1
BLOCK = 1 << 20


class GzipTee:
    """A reader of what it reads, which writes the same by gzip somewhere else."""

    def __init__(self, source: IO[bytes], into: IO[bytes], beat: Callable[[], None]) -> None:
        self._source = source
        self._into = into
        self._beat = beat
        self._squeezer = zlib.compressobj(_LEVEL, zlib.DEFLATED, _GZIP)
        self._digest = hashlib.sha256()
        self.read_bytes = 0
        self._written = 0

    def read(self, size: int = -1) -> bytes:
        """The next bytes; nothing at the end."""
        self._beat()
        block = self._source.read(size)
        if block:
            self.read_bytes += len(block)
            self._write(self._squeezer.compress(block))
        return block

    def finish(self) -> Part:
        """Read on to the end, and say what was written."""
        while self.read(BLOCK):
            pass
        self._write(self._squeezer.flush())
        return Part(self._digest.hexdigest(), self._written)

    def _write(self, block: bytes) -> None:
        self._digest.update(block)
        self._written += len(block)
        self._into.write(block)


class DigestReader:
    """A reader that knows what it has read."""

    def __init__(self, source: IO[bytes]) -> None:
        self._source = source
        self._digest = hashlib.sha256()
        self._bytes = 0

    def read(self, size: int = BLOCK) -> bytes:
        """The next bytes; nothing at the end."""
        block = self._source.read(size)
        self._digest.update(block)
        self._bytes += len(block)
        return block

    @property
    def part(self) -> Part:
        """What was read so far."""
        return Part(self._digest.hexdigest(), self._bytes)
