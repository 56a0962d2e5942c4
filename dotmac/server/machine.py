"""What the machine itself must have: packages, a user, folders, the command that people type."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
from pathlib import Path

from dotmac.server.children import call, give
from dotmac.server.errors import SetupError
from dotmac.server.options import Options
from dotmac.server.terminal import Terminal

# By their names in Debian and Ubuntu; where from is the machine's own affair.
ALWAYS = ("ca-certificates", "git", "make", "python3-venv")
DATABASE = ("postgresql",)
DOCKER = ("docker.io", "iptables", "mmdebstrap")
_WRAPPER = """\
#!/bin/sh
# What a person does with DotMac on this server. `dotmac help` lists it.
export DOTMAC_ROOT={root}
cd {current} && exec .venv/bin/python -m dotmac.server "$@"
"""


def packages(options: Options) -> list[str]:
    """Those that this server needs."""
    wanted = [*ALWAYS]
    if options.has_own_database:
        wanted += DATABASE
    return [*wanted, *DOCKER] if options.wants_docker else wanted


def missing_packages(options: Options) -> list[str]:
    """Those that are not there; none where PACKAGES=off says that it is taken care of."""
    dpkg = shutil.which("dpkg-query")
    if options.says("PACKAGES").lower() == "off":
        return []
    if dpkg is None:
        raise SetupError(
            "This is no Debian or Ubuntu. Install what docs/guides/install.md lists, then run this "
            "again with PACKAGES=off."
        )
    return [name for name in packages(options) if not _is_installed(dpkg, name)]


def install_packages(options: Options, terminal: Terminal) -> None:
    """Install those that are missing; raises SetupError."""
    missing = missing_packages(options)
    if not missing:
        return
    apt = shutil.which("apt-get") or "apt-get"
    with terminal.step("Packages of the system"):
        terminal.detail(" ".join(missing))
        environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        why = f"The packages could not be installed. Try: apt-get install {' '.join(missing)}."
        call(options, terminal, [apt, "update", "-qq"], why, env=environment)
        command = [apt, "install", "-y", "-qq", "--no-install-recommends", *missing]
        call(options, terminal, command, why, env=environment)


def has_user(options: Options) -> bool:
    """Whether the services' user is there."""
    try:
        pwd.getpwnam(options.user)
    except KeyError:
        return not options.user
    return True


def ensure_user(options: Options, terminal: Terminal) -> None:
    """The services' user, without a shell or a password; in Docker's group where there is one."""
    if not options.user:
        return
    why = f"The user {options.user} could not be made."
    if not has_user(options):
        command = ["useradd", "--system", "--user-group", "--no-create-home"]
        command += ["--home-dir", str(options.layout.var), "--shell", "/usr/sbin/nologin"]
        call(options, terminal, [*command, options.user], why)
    if options.wants_docker:
        call(options, terminal, ["usermod", "-aG", "docker", options.user], why)


def ensure_folders(options: Options) -> None:
    """What services write to is theirs; all else is root's, and read by them."""
    layout = options.layout
    for folder in (layout.releases, layout.home / "live", layout.env_file.parent, layout.log):
        folder.mkdir(parents=True, exist_ok=True)
    for folder in (layout.var, layout.edge, layout.keys, layout.pids):
        folder.mkdir(parents=True, exist_ok=True)
        give(options, folder)
    layout.keys.chmod(0o700)


def write_command(options: Options) -> None:
    """The `dotmac` that people type; it runs the release that serves."""
    layout = options.layout
    layout.command.parent.mkdir(parents=True, exist_ok=True)
    new = layout.command.with_name(".dotmac.new")
    new.write_text(_WRAPPER.format(root=layout.root, current=layout.current))
    new.chmod(0o755)
    new.replace(layout.command)


def is_open_to(path: Path) -> bool:
    """Whether every user may enter a folder and those above it."""
    return all(step.stat().st_mode & 0o001 for step in (path, *path.parents))


def _is_installed(dpkg: str, name: str) -> bool:
    command = [dpkg, "-W", "-f", "${db:Status-Status}", name]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.stdout == "installed"
