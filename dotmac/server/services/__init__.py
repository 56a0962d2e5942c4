"""What keeps the services of a server running: systemd, or supervisord where that is not."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from dotmac.server.errors import SetupError
from dotmac.server.options import Options
from dotmac.server.services.base import Services
from dotmac.server.services.supervised import SupervisedServices
from dotmac.server.services.systemd import SystemdServices

__all__ = ["Services", "keeper"]

_KINDS: dict[str, Callable[[Options], Services]] = {
    "systemd": SystemdServices,
    "supervisord": SupervisedServices,
}


def keeper(options: Options) -> Services:
    """The one of this server: what SERVICES says, else systemd where it runs this machine."""
    asked = options.says("SERVICES")
    if asked and asked not in _KINDS:
        raise SetupError(f"SERVICES is {asked!r}. Set systemd or supervisord, or leave it out.")
    runs_here = Path("/run/systemd/system").is_dir() and options.layout.root == Path("/")
    return _KINDS[asked or ("systemd" if runs_here else "supervisord")](options)
