"""Links that name a release, laid to another in one step."""

from __future__ import annotations

import os
from pathlib import Path


def link(name: Path, home: Path) -> None:
    """Have a link lead to a release, whatever it led to."""
    new = name.with_name(f".{name.name}.{os.getpid()}")
    name.parent.mkdir(parents=True, exist_ok=True)
    new.unlink(missing_ok=True)
    # Relative, so that a root that is moved, or seen from elsewhere, stays whole.
    new.symlink_to(os.path.relpath(home, name.parent))
    new.replace(name)


def led_to(name: Path) -> Path | None:
    """The release that a link leads to; None where there is none any more."""
    return name.resolve() if name.is_symlink() and name.exists() else None
