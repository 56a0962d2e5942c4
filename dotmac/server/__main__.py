"""Command line of a server; settings come from the environment.

python -m dotmac.server install      make this machine a server, or repair it; CHECK=1 only looks,
                                     KIT=file makes it the one that was lost
python -m dotmac.server upgrade      bring this release, or that of RELEASE=folder, to serve
python -m dotmac.server rollback     bring the release before to serve
python -m dotmac.server status       what runs, and which releases are there
python -m dotmac.server start|stop   all services, as after the machine's start and before its end
python -m dotmac.server restart      all but the edge anew, as after a change of settings
python -m dotmac.server manage …     manage.py of the release that serves
"""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from types import FrameType

from dotmac.backups import BackupError
from dotmac.server import checklist, edge, plan, rebuild, releases
from dotmac.server.children import environment_of, identity
from dotmac.server.deployment import Deployment
from dotmac.server.errors import NoBackupError, SetupError
from dotmac.server.install import WITHOUT_BACKUP, check, install, make_certificate, shield
from dotmac.server.options import Options
from dotmac.server.releases import Release
from dotmac.server.services import keeper
from dotmac.server.terminal import Terminal
from dotmac.server.upgrade import only_one, rollback, upgrade

INTERRUPTED = 130
_ASKED = ("KIT_PASSPHRASE", "DATABASE_URL")
_ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def _install(options: Options, terminal: Terminal) -> int:
    if not options.is_on("CHECK"):
        return install(options, terminal)
    if options.says("KIT"):
        options = rebuild.begin(options, terminal).options
    is_good = checklist.preview(options, terminal)
    check(options)
    return 0 if is_good else 1


def _upgrade(options: Options, terminal: Terminal) -> int:
    upgrade(options, terminal)
    return 0


def _rollback(options: Options, terminal: Terminal) -> int:
    rollback(options, terminal)
    return 0


def _status(options: Options, terminal: Terminal) -> int:
    """What runs; 1 when something that should run does not."""
    services, slot = keeper(options), edge.serving(options)
    wanted = {plan.EDGE, plan.WORKER, plan.CLOCK, f"web-{slot}"}
    is_good = True
    for name in plan.NAMES:
        home = releases.linked(options.layout.live(name))
        is_running = services.is_running(name)
        is_good = is_good and (is_running or name not in wanted)
        state = "runs" if is_running else "rests"
        terminal.line(f"  {name:<8} {state:<6} {home.name if home else '–'}")
    current = releases.linked(options.layout.current)
    for release in releases.all_of(options.layout):
        terminal.line(f"  release  {release.name}{'  serves' if release == current else ''}")
    return 0 if is_good else 1


def _start(options: Options, terminal: Terminal) -> int:
    with only_one(options.layout):
        Deployment(options, keeper(options), terminal).bring(_current(options))
    return 0


def _restart(options: Options, terminal: Terminal) -> int:
    """Web in the slot that rests, so that no request fails."""
    with only_one(options.layout):
        Deployment(options, keeper(options), terminal).bring(_current(options), anew=True)
    return 0


def _stop(options: Options, terminal: Terminal) -> int:
    with only_one(options.layout), terminal.step("Stopped"):
        keeper(options).shut_down()
    return 0


def _shield(options: Options, terminal: Terminal) -> int:
    shield(options, terminal)
    return 0


def _certificate(options: Options, _terminal: Terminal) -> int:
    make_certificate(options)
    return 0


def _current(options: Options) -> Release:
    current = releases.linked(options.layout.current)
    if current is None:
        raise SetupError("Nothing is installed on this server yet. Run: make install DOMAIN=…")
    return current


def _manage(options: Options, arguments: list[str]) -> int:
    """Whatever it says is for the person who asked."""
    release = _current(options)
    command = [str(release.python), "manage.py", *arguments]
    environment = environment_of(options, release)
    # Of whoever asks: for `recovery_kit`, and to look at a database beside this server's.
    environment |= {name: os.environ[name] for name in _ASKED if os.environ.get(name)}
    return subprocess.call(command, cwd=release.home, env=environment, **identity(options))


ACTIONS: dict[str, Callable[[Options, Terminal], int]] = {
    "install": _install,
    "upgrade": _upgrade,
    "rollback": _rollback,
    "status": _status,
    "start": _start,
    "stop": _stop,
    "restart": _restart,
    "shield": _shield,
    "certificate": _certificate,
}


def main() -> int:
    """Exit code 0: done; 1: not; 3: installed, or not upgraded, since nothing is backed up."""
    parser = argparse.ArgumentParser(
        prog="dotmac", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("action", choices=[*ACTIONS, "manage", "help"])
    chosen, more = parser.parse_known_args()
    if chosen.action == "help":
        parser.print_help()
        return 0
    # What is laid out belongs to root and is read by the services' user.
    os.umask(0o022)
    terminal = Terminal()
    for number in _ENDING:
        signal.signal(number, _interrupt)
    try:
        options = Options.read()
        if chosen.action == "manage":
            return _manage(options, more)
        return ACTIONS[chosen.action](options, terminal)
    except (SetupError, BackupError) as error:
        terminal.fail(str(error))
        return WITHOUT_BACKUP if isinstance(error, NoBackupError) else 1
    except KeyboardInterrupt:
        return INTERRUPTED


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())
