"""The virtual environment of this folder; runs before it is there, on the standard library alone.

python3 -m dev.install [--dev]
"""

from __future__ import annotations

import sys
from pathlib import Path

from dotmac.server.environment import Environment
from dotmac.server.errors import SetupError
from dotmac.server.terminal import Terminal

ROOT = Path(__file__).resolve().parent.parent
RUNTIME = ("requirements.txt",)
DEVELOPMENT = ("requirements.txt", "requirements-dev.txt")


def install(terminal: Terminal, *, development: bool) -> None:
    """Make the environment hold exactly what is pinned; quick when it already does."""
    if not sys.platform.startswith("linux"):
        raise SetupError("DotMac's one-command set-up needs Linux; use a Linux machine or VM.")
    environment = Environment(ROOT, ROOT / "var" / "log" / "install.log")
    files = DEVELOPMENT if development or environment.has("pytest") else RUNTIME
    environment.ensure(terminal, files)


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
