"""A virtual environment with exactly the packages that are pinned.

Runs before any of them is there, on the standard library alone.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from dotmac.server.errors import SetupError
from dotmac.server.terminal import Terminal

OFFLINE = (
    "The packages could not be installed. Without network, connect this machine (or set "
    "HTTPS_PROXY or UV_INDEX_URL), then run the command again."
)
NEEDED_BYTES = 3 * 10**9
TICK_SECONDS = 0.1


def check_disk(directory: Path) -> None:
    """Raise unless the platform, its images and a first database fit."""
    free = shutil.disk_usage(directory).free
    if free < NEEDED_BYTES:
        raise SetupError(
            f"Only {free / 10**9:.1f} GB are free at {directory}; DotMac needs "
            f"{NEEDED_BYTES / 10**9:.0f} GB. Free some space, then run the command again."
        )


@dataclass(frozen=True)
class Environment:
    """The environment `.venv` of a folder with requirements; what tools say goes into `log`."""

    root: Path
    log: Path

    @property
    def venv(self) -> Path:
        return self.root / ".venv"

    @property
    def python(self) -> Path:
        return self.venv / "bin" / "python"

    def has(self, program: str) -> bool:
        """Whether a program was installed into it."""
        return (self.venv / "bin" / program).exists()

    def ensure(self, terminal: Terminal, files: Sequence[str]) -> None:
        """Make it hold exactly what these files pin; quick when it already does."""
        digest = self._digest(files)
        if self._installed() == digest:
            return
        check_disk(self.root)
        self.log.parent.mkdir(parents=True, exist_ok=True)
        self.log.write_text("")
        if not self._is_whole():
            with terminal.step("Virtual environment"):
                self._make(terminal)
        with terminal.step("Packages"):
            command = [*self._uv(terminal), "pip", "sync", "--python", str(self.python)]
            self.call(terminal, [*command, "--require-hashes", *files], OFFLINE)
        self._stamp.write_text(digest)

    def call(self, terminal: Terminal, command: Sequence[str], why: str) -> None:
        """Run a command with its output in the log; raises SetupError that begins with `why`."""
        environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        with self.log.open("ab") as log:
            child = subprocess.Popen(
                command, cwd=self.root, env=environment,
                stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT,
            )  # fmt: skip
            while True:
                try:
                    code = child.wait(timeout=TICK_SECONDS)
                    break
                except subprocess.TimeoutExpired:
                    terminal.tick()
        if code:
            raise SetupError(f"{why} Details: {os.path.relpath(self.log, self.root)}")

    @property
    def _stamp(self) -> Path:
        return self.venv / "requirements.digest"

    def _digest(self, files: Sequence[str]) -> str:
        whole = hashlib.sha256(str(self.venv).encode())
        for name in files:
            whole.update((self.root / name).read_bytes())
        return whole.hexdigest()

    def _installed(self) -> str:
        return self._stamp.read_text() if self._stamp.exists() else ""

    def _is_whole(self) -> bool:
        """Whether an environment is there and was not cut off while it was made."""
        return self.python.exists() and bool(shutil.which("uv") or self.has("pip"))

    def _make(self, terminal: Terminal) -> None:
        uv = shutil.which("uv")
        if uv:
            command = [uv, "venv", "--python", sys.executable, str(self.venv)]
            self.call(terminal, command, "uv made no .venv.")
            return
        if not _has_ensurepip():
            self._install_ensurepip(terminal)
        shutil.rmtree(self.venv, ignore_errors=True)
        command = [sys.executable, "-m", "venv", str(self.venv)]
        self.call(terminal, command, "Python made no .venv.")

    def _install_ensurepip(self, terminal: Terminal) -> None:
        package = f"python3.{sys.version_info.minor}-venv"
        why = f"Python's venv module is incomplete here. Install it: apt-get install {package}"
        if os.geteuid() != 0 or not shutil.which("apt-get"):
            raise SetupError(why)
        terminal.detail(f"apt-get install {package}")
        self.call(terminal, ["apt-get", "update", "-qq"], why)
        install = ["apt-get", "install", "-y", "-qq", "--no-install-recommends", package]
        self.call(terminal, install, why)

    def _uv(self, terminal: Terminal) -> list[str]:
        """uv from the machine or beside this Python, or installed into the environment by pip."""
        beside = Path(sys.executable).parent / "uv"
        found = shutil.which("uv") or (str(beside) if beside.exists() else "")
        if found:
            return [found]
        if not self.has("uv"):
            terminal.detail("uv")
            self.call(
                terminal, [str(self.python), "-m", "pip", "install", "--quiet", "uv"], OFFLINE
            )
        return [str(self.venv / "bin" / "uv")]


def _has_ensurepip() -> bool:
    """Debian ships venv without ensurepip until python3-venv is installed."""
    return importlib.util.find_spec("ensurepip") is not None
