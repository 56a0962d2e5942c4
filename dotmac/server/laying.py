"""A release laid out beside those that are there: its files, packages and static files."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from dotmac.server import releases
from dotmac.server.children import call, manage
from dotmac.server.environment import Environment, check_disk
from dotmac.server.errors import SetupError
from dotmac.server.options import SOURCE, Options
from dotmac.server.releases import Release
from dotmac.server.terminal import Terminal


def source_of(options: Options) -> Path:
    """The checkout that is asked for: RELEASE, else the one that this code is of."""
    return Path(options.says("RELEASE") or SOURCE).resolve()


def lay_out(options: Options, source: Path, terminal: Terminal) -> Release:
    """The release of a checkout, laid out unless it is; raises SetupError."""
    release = releases.of_source(options.layout, source)
    if release.is_whole:
        return release
    if release.home == source:
        raise SetupError(f"{source} was not laid out to its end. Upgrade from a checkout instead.")
    options.layout.releases.mkdir(parents=True, exist_ok=True)
    check_disk(options.layout.releases)
    with terminal.step(f"Files of release {release.name}"):
        shutil.rmtree(release.home, ignore_errors=True)
        release.home.mkdir(mode=0o755)
        releases.copy(source, release.home)
    _install_packages(options, release, terminal)
    with terminal.step("Static files"):
        manage(options, release, terminal, "collectstatic", "--noinput", "-v", "0", as_root=True)
        compiled = [str(release.python), "-m", "compileall", "-q", "apps", "config", "dotmac"]
        call(options, terminal, compiled, "Python could not compile it.", cwd=release.home)
    release.finish()
    return release


def _install_packages(options: Options, release: Release, terminal: Terminal) -> None:
    """Into an environment of its own, or by VENV one that is there, as where no network is."""
    given = options.says("VENV")
    if given:
        os.symlink(Path(given).resolve(), release.home / ".venv")
        return
    environment = Environment(release.home, options.layout.log / "packages.log")
    environment.ensure(terminal, releases.REQUIREMENTS)
