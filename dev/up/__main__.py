"""Command line of the one-machine set-up.

python -m dev.up            start everything and stay in the foreground
python -m dev.up down       end it from another terminal
python -m dev.up reset      end it and delete its files; asks unless FORCE=1
"""

from __future__ import annotations

import argparse
import os
import sys
import time

from dev import dockerd, postgres
from dev.errors import SetupError
from dev.terminal import Terminal
from dev.up import edge, ending, platform, summary
from dev.up.checks import check
from dev.up.containers import remove_own
from dev.up.foreground import Foreground, ending_signals_interrupt, only_run
from dev.up.keys import ensure_secrets, write_environment
from dev.up.options import Options
from dev.up.programs import Plan
from dev.up.supervision import SupervisorGoneError
from dotmac.crypto.local_ca import LocalCaError, ensure_certificate, ensure_local_ca

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
        with terminal.step("Keys and certificates"):
            _make_keys(options)
        if options.has_own_database:
            _create_database(options, terminal)
        write_environment(options.run / platform.ENVIRONMENT_FILE, platform.told(options))
        plan = platform.plan(options, edge.program(options), has_docker=has_docker)
        return _stay(options, plan, terminal, began)


def _stay(options: Options, plan: Plan, terminal: Terminal, began: float) -> int:
    foreground = Foreground(options, plan, terminal)
    try:
        foreground.start(platform.child_environment(options), platform.readiness(options))
        summary.show(options, terminal, seconds=time.monotonic() - began)
        foreground.watch()
    except KeyboardInterrupt:
        return 0
    except SupervisorGoneError:
        terminal.fail(f"The supervisor ended unexpectedly; its log is in {options.log}.")
    except SetupError as error:
        terminal.fail(str(error))
    finally:
        foreground.end()
        (options.run / platform.ENVIRONMENT_FILE).unlink(missing_ok=True)
    return 1


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


def _make_keys(options: Options) -> None:
    ensure_secrets(options.var / "secrets.env")
    domains = (options.base_domain, options.apps_domain)
    names = [name for domain in domains for name in (domain, f"*.{domain}")]
    try:
        ensure_certificate(ensure_local_ca(options.keys), options.keys, names)
    except LocalCaError as error:
        raise SetupError(str(error)) from error


def _create_database(options: Options, terminal: Terminal) -> None:
    if (options.postgres / "password").exists():
        return
    with terminal.step("Database files"):
        try:
            postgres.create(options.postgres)
        except postgres.PostgresError as error:
            raise SetupError(str(error)) from error


def _reset(options: Options, terminal: Terminal) -> None:
    if os.environ.get("FORCE") != "1":
        question = f"Delete {options.var} with the database, and all containers of it? [y/N] "
        if not sys.stdin.isatty() or input(question).strip().lower() != "y":
            raise SetupError("Nothing was deleted. FORCE=1 make reset does not ask.")
    ending.reset(options, terminal)
    remove_own(terminal)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m dev.up")
    parser.add_argument("action", nargs="?", default="up", choices=["up", "down", "reset"])
    action, terminal = parser.parse_args().action, Terminal()
    try:
        options = Options.read()
        if action == "up":
            return up(options, terminal)
        ending.down(options, terminal) if action == "down" else _reset(options, terminal)
    except (SetupError, postgres.PostgresError) as error:
        terminal.fail(str(error))
        return 1
    except KeyboardInterrupt:
        return INTERRUPTED
    return 0


if __name__ == "__main__":
    sys.exit(main())
