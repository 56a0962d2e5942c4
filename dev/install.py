"""The virtual environment and its packages; runs before them, on the standard library alone.

python3 -m dev.install [--dev]
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path

from dev.errors import SetupError
from dev.terminal import Terminal

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
LOG = ROOT / "var" / "log" / "install.log"
STAMP = VENV / "requirements.digest"
RUNTIME = ("requirements.txt",)
DEVELOPMENT = ("requirements.txt", "requirements-dev.txt")
OFFLINE = (
    "The packages could not be installed. Without network, connect this machine (or set "
    "HTTPS_PROXY or UV_INDEX_URL), then run the command again."
)
NEEDED_BYTES = 3 * 10**9
TICK_SECONDS = 0.1


def install(terminal: Terminal, *, development: bool) -> None:
    """Make the environment hold exactly what is pinned; quick when it already does."""
    if not sys.platform.startswith("linux"):
        raise SetupError("DotMac's one-command set-up needs Linux; use a Linux machine or VM.")
    files = DEVELOPMENT if development or (VENV / "bin" / "pytest").exists() else RUNTIME
    digest = _digest(files)
    if _installed() == digest:
        return
    check_disk(ROOT)
    LOG.parent.mkdir(parents=True, exist_ok=True)
    LOG.write_text("")
    if not _is_whole():
        with terminal.step("Virtual environment"):
            _make_environment(terminal)
    with terminal.step("Packages"):
        uv = _uv(terminal)
        command = [*uv, "pip", "sync", "--python", str(VENV / "bin" / "python")]
        _call(terminal, [*command, "--require-hashes", *files], OFFLINE)
    STAMP.write_text(digest)


def check_disk(directory: Path) -> None:
    """Raise unless the platform, its images and a first database fit."""
    free = shutil.disk_usage(directory).free
    if free < NEEDED_BYTES:
        raise SetupError(
            f"Only {free / 10**9:.1f} GB are free at {directory}; DotMac needs "
            f"{NEEDED_BYTES / 10**9:.0f} GB. Free some space, then run the command again."
        )


def _digest(files: tuple[str, ...]) -> str:
    whole = hashlib.sha256(str(VENV).encode())
    for name in files:
        whole.update((ROOT / name).read_bytes())
    return whole.hexdigest()


def _installed() -> str:
    return STAMP.read_text() if STAMP.exists() else ""


def _is_whole() -> bool:
    """Whether an environment is there and was not cut off while it was made."""
    return (VENV / "bin" / "python").exists() and bool(
        shutil.which("uv") or (VENV / "bin" / "pip").exists()
    )


def _make_environment(terminal: Terminal) -> None:
    uv = shutil.which("uv")
    if uv:
        _call(terminal, [uv, "venv", "--python", sys.executable, str(VENV)], "uv made no .venv.")
        return
    if not _has_ensurepip():
        _install_ensurepip(terminal)
    shutil.rmtree(VENV, ignore_errors=True)
    _call(terminal, [sys.executable, "-m", "venv", str(VENV)], "Python made no .venv.")


def _has_ensurepip() -> bool:
    """Debian ships venv without ensurepip until python3-venv is installed."""
    return importlib.util.find_spec("ensurepip") is not None


def _install_ensurepip(terminal: Terminal) -> None:
    package = f"python3.{sys.version_info.minor}-venv"
    why = f"Python's venv module is incomplete here. Install it: apt-get install {package}"
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        raise SetupError(why)
    terminal.detail(f"apt-get install {package}")
    _call(terminal, ["apt-get", "update", "-qq"], why)
    _call(terminal, ["apt-get", "install", "-y", "-qq", "--no-install-recommends", package], why)


def _uv(terminal: Terminal) -> list[str]:
    """uv from the machine, or installed into the environment by pip."""
    found = shutil.which("uv")
    if found:
        return [found]
    python = str(VENV / "bin" / "python")
    if not (VENV / "bin" / "uv").exists():
        terminal.detail("uv")
        _call(terminal, [python, "-m", "pip", "install", "--quiet", "uv"], OFFLINE)
    return [str(VENV / "bin" / "uv")]


def _call(terminal: Terminal, command: list[str], why: str) -> None:
    """Run a command with its output in the log; raises SetupError that begins with `why`."""
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    with LOG.open("ab") as log:
        child = subprocess.Popen(
            command, cwd=ROOT, env=environment,
            stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT,
        )  # fmt: skip
        while True:
            try:
                code = child.wait(timeout=TICK_SECONDS)
                break
            except subprocess.TimeoutExpired:
                terminal.tick()
    if code:
        raise SetupError(f"{why} Details: {LOG.relative_to(ROOT)}")


def main() -> int:
    terminal = Terminal()
    try:
        install(terminal, development="--dev" in sys.argv[1:])
    except SetupError as error:
        terminal.fail(str(error))
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
