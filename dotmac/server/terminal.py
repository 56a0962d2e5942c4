"""Quiet output of a long run: one line per step with a tick and the seconds taken."""

from __future__ import annotations

import os
import shutil
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO

GREEN, RED, YELLOW, DIM, BOLD, PLAIN = "32", "31", "33", "2", "1", "0"
TICK, CROSS, DASH = "✓", "✗", "–"


class Terminal:
    """Writes steps; on a terminal the running one is redrawn in place, elsewhere only its end."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self.stream = stream or sys.stdout
        self.is_live = self.stream.isatty() and os.environ.get("TERM") != "dumb"
        self.has_colour = self.is_live and "NO_COLOR" not in os.environ
        self._step: tuple[str, float] | None = None
        self._detail = ""
        self._drawn = ""

    def paint(self, text: str, colour: str) -> str:
        return f"\x1b[{colour}m{text}\x1b[0m" if self.has_colour else text

    def line(self, text: str = "") -> None:
        """A whole line; a running step is drawn again below it."""
        self._erase()
        self._write(text + "\n")
        self._draw()

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Show a step while it runs; a tick with the seconds after it, a cross when it raises."""
        self.begin(name)
        try:
            yield
        except KeyboardInterrupt:
            self.finish(DASH, note="interrupted")
            raise
        except BaseException:
            self.finish(CROSS)
            raise
        self.finish()

    def begin(self, name: str) -> None:
        self._step, self._detail = (name, time.monotonic()), ""
        self._draw()

    def finish(self, mark: str = TICK, note: str = "") -> None:
        """End the running step; `note` replaces the seconds."""
        if self._step is None:
            return
        name, began = self._step
        self._step = None
        self._erase()
        after = note or f"{time.monotonic() - began:.1f} s"
        self.line(f"  {self._mark(mark)} {name:<44} {self.paint(after, DIM)}")

    def detail(self, text: str) -> None:
        """What the running step is at; kept short on a terminal, a line of its own elsewhere."""
        self._detail = text.strip()
        if self.is_live:
            self._draw()
        elif self._detail:
            self._write(f"      {self._detail}\n")

    def tick(self) -> None:
        """Redraw the seconds of the running step; call it while waiting."""
        self._draw()

    def warn(self, text: str) -> None:
        self.line(f"  {self.paint('!', YELLOW)} {text}")

    def fail(self, text: str) -> None:
        self.line(f"  {self._mark(CROSS)} {text}")

    def _mark(self, mark: str) -> str:
        return self.paint(mark, {TICK: GREEN, CROSS: RED}.get(mark, DIM))

    def _write(self, text: str) -> None:
        """Write through; a terminal that was closed must not keep the run from ending cleanly."""
        try:
            self.stream.write(text)
            self.stream.flush()
        except OSError:
            self.stream = open(os.devnull, "w")  # noqa: SIM115 - lives as long as the process
            self.is_live = False

    def _erase(self) -> None:
        self._drawn = ""
        if self.is_live:
            self._write("\r\x1b[2K")

    def _draw(self) -> None:
        """Draw the running step unless the same text stands there already."""
        if not self.is_live or self._step is None:
            return
        name, began = self._step
        text = f"  ◦ {name}  {time.monotonic() - began:.0f} s  {self._detail}"
        text = text[: shutil.get_terminal_size().columns - 1]
        if text != self._drawn:
            self._erase()
            self._write(text)
            self._drawn = text
