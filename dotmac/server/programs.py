"""The children of a run, as data; the supervisor starts them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class Program:
    """One child: a lasting one is restarted when it dies, a `once` runs to its end."""

    name: str
    command: Sequence[str]
    title: str = ""
    stop_signal: str = "SIGTERM"
    stop_seconds: int = 10
    once: bool = False
    # Where it runs and by whose Python, for those that are not of the supervisor's own release.
    directory: Path | None = None
    python: str = ""
    environment: Mapping[str, str] = field(default_factory=dict)
    user: str = ""
    # Where it notes its number, if not among the supervisor's own files.
    record: Path | None = None
    # What the outcome of a `once` depends on; it is left out while this stays the same.
    stamp: str = ""


@dataclass(frozen=True)
class Plan:
    """What a run starts, in order; `before` and `after` are run to their end."""

    database: Program | None
    before: Sequence[Program]
    lasting: Sequence[Program]
    after: Sequence[Program] = ()

    @property
    def programs(self) -> list[Program]:
        """All of them, the database first, so that it is ended last."""
        first = [self.database] if self.database else []
        return [*first, *self.before, *self.lasting, *self.after]
