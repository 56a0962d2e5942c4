"""Reads what children write to their logs."""

from __future__ import annotations

from pathlib import Path

TAIL_BYTES = 16_384
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
