"""Logs of what children say: kept for their owner, and read."""

from __future__ import annotations

import os
from pathlib import Path
from typing import BinaryIO

TAIL_BYTES = 16_384
KEPT = 3
STACK = "Traceback (most recent call last):"


class Follower:
    """New whole lines of a log since the last look."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._offset = path.stat().st_size if path.exists() else 0

    def lines(self) -> list[str]:
        if not self._path.exists():
            return []
        if self._path.stat().st_size < self._offset:  # rotated
            self._offset = 0
        with self._path.open("rb") as log:
            log.seek(self._offset)
            whole, newline, _ = log.read().rpartition(b"\n")
        self._offset += len(whole) + len(newline)
        return [line for line in whole.decode(errors="replace").splitlines() if line.strip()]


def begin(log: Path) -> None:
    """Have a new action begin a log of its own; those of the last KEPT lie beside it.

    Tools name schemas and print settings: nobody else may look into the folder.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    log.parent.chmod(0o750)
    if not log.exists() or not log.stat().st_size:
        return
    for number in range(KEPT, 0, -1):
        newer = _copy(log, number - 1) if number > 1 else log
        if newer.exists():
            newer.chmod(0o600)
            newer.replace(_copy(log, number))


def _copy(log: Path, number: int) -> Path:
    return log.with_name(f"{log.name}.{number}")


def opened(log: Path) -> BinaryIO:
    """A log to append to and to read, for its owner alone."""
    log.parent.mkdir(mode=0o750, parents=True, exist_ok=True)
    descriptor = os.open(log, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o600)
    os.fchmod(descriptor, 0o600)
    return os.fdopen(descriptor, "a+b")


def last_words(path: Path, count: int) -> list[str]:
    """The end of a log; of a stack trace only what was raised."""
    try:
        with path.open("rb") as log:
            log.seek(max(0, path.stat().st_size - TAIL_BYTES))
            text = log.read().decode(errors="replace")
    except OSError:
        return []
    return without_stack([line for line in text.splitlines() if line.strip()])[-count:]


def without_stack(lines: list[str]) -> list[str]:
    """Lines without the frames of a stack trace, which are indented below its head."""
    kept, is_stack = [], False
    for line in lines:
        is_stack = line.startswith(STACK) or (is_stack and line.startswith(" "))
        if not is_stack:
            kept.append(line)
    return kept
