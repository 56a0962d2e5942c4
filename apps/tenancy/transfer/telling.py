"""How commands say how far they are: a line that is written over where somebody watches."""

import time
from typing import TextIO

from apps.tenancy.transfer.exporting import Progress

_EVERY_S = 0.2


class Bar:
    """Tells a terminal of progress, and nothing to a file."""

    def __init__(self, out: TextIO) -> None:
        self._out, self._said_at = out, 0.0

    def __call__(self, progress: Progress) -> None:
        """Say it, not too often."""
        now = time.monotonic()
        if not self._out.isatty() or now - self._said_at < _EVERY_S:
            return
        self._said_at = now
        self._out.write(f"\r\033[K{said(progress)}  {progress.table}")
        self._out.flush()

    def end(self) -> None:
        """Clear the line."""
        if self._said_at:
            self._out.write("\r\033[K")


def said(progress: Progress) -> str:
    """Progress in words."""
    return (
        f"{progress.tables} of {progress.of_tables} tables, {progress.rows:,} rows,"
        f" {megabytes(progress.bytes)}"
    )


def megabytes(size: int) -> str:
    """Bytes as people read them."""
    return f"{size / 1_000_000:,.1f} MB"
