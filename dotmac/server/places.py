"""Where a supervisor keeps its files."""

from __future__ import annotations

import hashlib
import os
import tempfile
from pathlib import Path
from typing import Protocol

# sun_path holds 108 bytes, the last one a zero; supervisor binds `<path>.<pid>` first.
LONGEST_SOCKET = 96


class Place(Protocol):
    """Folders that exist, and the path of a socket that is short enough to be bound."""

    @property
    def root(self) -> Path:
        """Where children run unless they say otherwise."""

    @property
    def run(self) -> Path:
        """Configuration, numbers of processes."""

    @property
    def log(self) -> Path:
        """What children say."""

    @property
    def socket(self) -> Path:
        """Where the supervisor is asked."""


def socket_of(run: Path) -> Path:
    """The socket of a run's folder; in a short place when the folder's path is too long."""
    near = run / "supervisor.sock"
    if len(os.fsencode(near)) <= LONGEST_SOCKET:
        return near
    digest = hashlib.sha256(os.fsencode(run)).hexdigest()[:16]
    return Path(tempfile.gettempdir()) / f"dotmac-{os.geteuid()}-{digest}" / "supervisor.sock"
