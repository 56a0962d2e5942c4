"""Releases on a server: each a folder of its own, whole or not counted."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from dotmac.server import plan
from dotmac.server.errors import SetupError
from dotmac.server.installed import STAMP, is_release
from dotmac.server.links import led_to
from dotmac.server.options import Layout

KEPT = 3
REQUIREMENTS = ("requirements.txt",)
_VERSION = re.compile(r'^VERSION = "([^"]+)"$', re.MULTILINE)
# What may name an app; the rest has no migrations.
_QUOTED = re.compile(r'"([a-z_][a-z0-9_.]*)"')
# Of no use where nobody develops.
_LEFT_OUT = ("tests", "docs/screens", ".ci")
# What a folder without git's list may hold beside the project.
_NEVER = frozenset({".git", ".venv", "var", "__pycache__", "node_modules", ".env", "collected"})


@dataclass(frozen=True)
class Release:
    """One that is laid out, or is to be."""

    home: Path

    @property
    def name(self) -> str:
        return self.home.name

    @property
    def python(self) -> Path:
        return self.home / ".venv" / "bin" / "python"

    @property
    def is_whole(self) -> bool:
        return is_release(self.home)

    @property
    def laid_out_at(self) -> float:
        """Seconds since the epoch, 0 for one that is not whole."""
        try:
            return float(json.loads((self.home / STAMP).read_text())["laid_out_at"])
        except (OSError, ValueError, KeyError):
            return 0.0

    @property
    def says_ready(self) -> bool:
        """Whether its clock and its worker say when they are at work; older ones do not."""
        marks = self.home / "dotmac" / "server" / "marks.py"
        return marks.is_file() and "READY_FILE" in marks.read_text()

    def finish(self) -> None:
        """Have it count from now on."""
        new = self.home / f"{STAMP}.new"
        new.write_text(json.dumps({"laid_out_at": time.time()}) + "\n")
        new.replace(self.home / STAMP)

    def migrations(self) -> set[str]:
        """Names of all migrations, as app.number_name; of packages as far as they are installed.

        Of a checkout, whose packages are not there yet, only our own.
        """
        return self.own_migrations() | self._of_packages()

    def own_migrations(self) -> set[str]:
        """Those that come with the files of the release."""
        found = self.home.glob("apps/*/migrations/[0-9]*.py")
        return {f"{file.parent.parent.name}.{file.stem}" for file in found}

    def _of_packages(self) -> set[str]:
        """Of the apps that the release names, as its own environment has them: allauth.account.…"""
        kinds = self.home / "config" / "kinds.py"
        names = set(_QUOTED.findall(kinds.read_text())) if kinds.is_file() else set()
        places = list(self.home.glob(".venv/lib/python3*/site-packages"))
        return {
            f"{name}.{file.stem}"
            for name in names
            for place in places
            for file in place.joinpath(*name.split(".")).glob("migrations/[0-9]*.py")
        }


def of_source(layout: Layout, source: Path) -> Release:
    """The release that a checkout is, or becomes here; SetupError where there is no project."""
    settings = source / "config" / "settings" / "base.py"
    if not (source / "manage.py").is_file() or not settings.is_file():
        raise SetupError(f"{source} holds no DotMac. Name a checkout of it: RELEASE=/path/to/it")
    if source.parent == layout.releases:
        return Release(source)
    version = _VERSION.search(settings.read_text())
    name = f"{version[1] if version else 0}-{_commit(source) or digest(source)}"
    return Release(layout.releases / name)


def copy(source: Path, home: Path) -> None:
    """Copy the project's files, and only these, into an empty folder."""
    for name in _files(source):
        target = home / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(source / name, target, follow_symlinks=False)


def digest(source: Path) -> str:
    """Ten characters that change with any file."""
    whole = hashlib.sha256()
    for name in sorted(_files(source)):
        file = source / name
        content = os.readlink(file).encode() if file.is_symlink() else file.read_bytes()
        whole.update(f"{name}\0".encode() + hashlib.sha256(content).digest())
    return whole.hexdigest()[:10]


def all_of(layout: Layout) -> list[Release]:
    """Those that are whole, the newest first."""
    found = [Release(home) for home in layout.releases.glob("*") if not home.is_symlink()]
    return sorted((one for one in found if one.is_whole), key=lambda one: -one.laid_out_at)


def linked(name: Path) -> Release | None:
    """The release that a link leads to."""
    home = led_to(name)
    return Release(home) if home else None


def in_use(layout: Layout) -> set[Path]:
    """Homes of those that something runs from, or may go back to."""
    names = [layout.current, layout.previous, layout.live(plan.SUPERVISOR)]
    links = [*names, *(layout.live(name) for name in plan.NAMES)]
    return {home for home in map(led_to, links) if home}


def prune(layout: Layout) -> list[str]:
    """Remove all but the newest ones and those in use; names of those that went."""
    kept = in_use(layout) | {one.home for one in all_of(layout)[:KEPT]}
    gone = [home for home in layout.releases.glob("*") if home.is_dir() and home not in kept]
    for home in gone:
        # Not whole from the first file on, should this be cut off.
        (home / STAMP).unlink(missing_ok=True)
        shutil.rmtree(home)
    return sorted(home.name for home in gone)


def _files(source: Path) -> list[str]:
    """Relative paths of what belongs to the project: what git tracks, else all but leftovers."""
    tracked = _tracked(source)
    names = tracked if tracked is not None else list(_walk(source))
    return [name for name in names if not name.startswith(tuple(f"{out}/" for out in _LEFT_OUT))]


def _walk(source: Path) -> Iterator[str]:
    for folder, folders, files in os.walk(source):
        folders[:] = [name for name in folders if name not in _NEVER]
        for name in files:
            if name not in _NEVER and name != STAMP and not name.endswith(".pyc"):
                yield os.path.relpath(os.path.join(folder, name), source)


def _tracked(source: Path) -> list[str] | None:
    listed = _git(source, "ls-files", "-z") if (source / ".git").exists() else None
    if listed is None:
        return None
    names = [name for name in listed.split("\0") if name]
    return [name for name in names if (source / name).exists() or (source / name).is_symlink()]


def _commit(source: Path) -> str | None:
    """The commit that a checkout is at, unless something in it was changed."""
    if not (source / ".git").exists() or _git(source, "status", "--porcelain", "-uno") != "":
        return None
    commit = _git(source, "rev-parse", "--short=10", "HEAD")
    return commit.strip() if commit else None


def _git(source: Path, *arguments: str) -> str | None:
    """What git says; None without it, or where it does not trust the folder."""
    git = shutil.which("git")
    if git is None:
        return None
    # A checkout is often another user's than root, who installs it.
    command = [git, "-c", f"safe.directory={source}", "-C", str(source), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return None if done.returncode else done.stdout
