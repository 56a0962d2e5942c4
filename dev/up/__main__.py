"""Command line of the one-machine set-up.

python -m dev.up            start everything and stay in the foreground
python -m dev.up down       end it from another terminal
python -m dev.up reset      end it and delete its files; asks unless FORCE=1
python -m dev.up rebuild    make it anew from a recovery kit, on an empty machine
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Callable

from dev import dockerd, postgres
from dev.cluster import PostgresError
from dev.up import edge, ending, platform, summary
from dev.up.checks import check
from dev.up.foreground import Foreground, ending_signals_interrupt, only_run
from dev.up.options import Options
from dev.up.rebuild import rebuild
from dotmac.backups import BackupError
from dotmac.crypto.local_ca import LocalCaError, ensure_certificate, ensure_local_ca
from dotmac.edge import Certificate
from dotmac.engine.errors import EngineError
from dotmac.engine.firewall import raise_shield
from dotmac.server.errors import SetupError
from dotmac.server.keys import ensure_secrets, write_environment
from dotmac.server.terminal import Terminal

INTERRUPTED = 130


def up(options: Options, terminal: Terminal) -> int:
    """Run the platform until it is interrupted; the exit code says how it ended."""
    options.make_directories()
    with only_run(options), ending_signals_interrupt():
        began = time.monotonic()
        with terminal.step("Checks"):
            ending.end_leftovers(options)
            check(options)
        has_docker = _docker(options, terminal)
        if has_docker:
            _shield(options, terminal)
        with terminal.step("Keys and certificates"):
            certificate = _make_keys(options)
        if options.has_own_database:
            _create_database(options, terminal)
        environment_file = options.run / platform.ENVIRONMENT_FILE
        write_environment(environment_file, platform.told(options))
        plan = platform.plan(
            options,
            edge.program(options, certificate),
            has_docker=has_docker,
        )
        foreground = Foreground(options, plan, terminal)
        try:
            return foreground.run(
                platform.child_environment(options),
                platform.readiness(options),
                lambda: summary.show(
                    options, terminal, seconds=time.monotonic() - began, has_docker=has_docker
                ),
            )
        finally:
            environment_file.unlink(missing_ok=True)


def _docker(options: Options, terminal: Terminal) -> bool:
    """Whether containers can run; without an engine the platform runs without hosts."""
    if not options.wants_docker:
        terminal.warn("DOTMAC_DOCKER=off: the platform runs without hosts.")
        return False
    if dockerd.answers():
        return True
    try:
        if dockerd.may_install():
            with terminal.step("Docker engine"):
                dockerd.ensure(options.log, tick=terminal.tick)
        else:
            dockerd.ensure(options.log)
    except SetupError as error:
        terminal.warn(f"The platform runs without hosts. {error}")
        return False
    return True


def _shield(options: Options, terminal: Terminal) -> None:
    """Keep containers off whatever else listens on this host; needs root, else it is said."""
    ports = [options.port("EDGE_HTTP_PORT"), options.port("EDGE_HTTPS_PORT")]
    try:
        raise_shield(ports)
    except EngineError as error:
        terminal.warn(f"Containers can reach services of this host. {error}")


def _make_keys(options: Options) -> Certificate:
    """Secrets, the local CA, and its certificate for both domains."""
    ensure_secrets(options.var / "secrets.env")
    domains = (options.base_domain, options.apps_domain)
    names = tuple(name for domain in domains for name in (domain, f"*.{domain}"))
    try:
        paths = ensure_certificate(ensure_local_ca(options.keys), options.keys, names)
    except LocalCaError as error:
        raise SetupError(str(error)) from error
    return Certificate(names, paths.certificate, paths.key)


def _create_database(options: Options, terminal: Terminal) -> None:
    if (options.postgres / "password").exists():
        return
    with terminal.step("Database files"):
        try:
            postgres.create(options.postgres)
        except PostgresError as error:
            raise SetupError(str(error)) from error


def _reset(options: Options, terminal: Terminal) -> None:
    if os.environ.get("FORCE") != "1":
        question = f"Delete {options.var} with the database, and all containers of it? [y/N] "
        if not sys.stdin.isatty() or input(question).strip().lower() != "y":
            raise SetupError("Nothing was deleted. FORCE=1 make reset does not ask.")
    ending.reset(options, terminal)


_ACTIONS: dict[str, Callable[[Options, Terminal, argparse.Namespace], None]] = {
    "down": lambda options, terminal, _chosen: ending.down(options, terminal),
    "reset": lambda options, terminal, _chosen: _reset(options, terminal),
    "rebuild": lambda options, terminal, chosen: rebuild(
        options, terminal, kit_file=chosen.kit, at=chosen.at
    ),
}


def main() -> int:
    """What was asked for; the exit code is 1 when it did not work."""
    parser = argparse.ArgumentParser(prog="python -m dev.up")
    parser.add_argument("action", nargs="?", default="up", choices=[*_ACTIONS, "up"])
    parser.add_argument("--kit", default="", help="the recovery kit to rebuild from")
    parser.add_argument("--at", default="", help="the moment (UTC) to rebuild; the newest if empty")
    chosen, terminal = parser.parse_args(), Terminal()
    try:
        options = Options.read()
        if chosen.action == "up":
            return up(options, terminal)
        _ACTIONS[chosen.action](options, terminal, chosen)
    except (SetupError, PostgresError, BackupError) as error:
        terminal.fail(str(error))
        return 1
    except KeyboardInterrupt:
        return INTERRUPTED
    return 0


if __name__ == "__main__":
    sys.exit(main())
