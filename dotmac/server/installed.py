"""Whether this code is a release that was laid out on a server."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

# Written when a release is whole.
STAMP = "release.json"
# Names the server's own file of settings, for every process of a release.
ENV_FILE = "DOTMAC_ENV_FILE"


def is_release(home: Path) -> bool:
    """Whether a folder holds a whole release, and not a checkout."""
    return (home / STAMP).exists()


def refusal(home: Path, environment: Mapping[str, str], arguments: Sequence[str]) -> str:
    """Why manage.py does not run here by itself, and what to run instead; empty where it does.

    It would have a developer's settings and this person's rights: it would look for another
    database and call a healthy server broken, or leave files that services cannot read.
    """
    if not is_release(home) or environment.get(ENV_FILE):
        return ""
    return (
        "This is a release of a server, which has settings and a user of its own. Run instead: "
        f"{' '.join(['dotmac manage', *arguments])}"
    )
