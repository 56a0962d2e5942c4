"""`make down` and `make reset`: end a run from outside, whatever became of its foreground."""

from __future__ import annotations

import shutil
import signal

from dev import postgres
from dev.up import containers, platform
from dev.up.options import Options
from dotmac.server import proc, supervision
from dotmac.server.terminal import Terminal

FOREGROUND_SECONDS = 120


def down(options: Options, terminal: Terminal) -> None:
    """End the run of this folder; says so when there is none."""
    parts = supervision.recorded(options)
    alive = [role for role, process in parts.items() if proc.is_alive(process)]
    strays = "supervisord" in parts and proc.in_session(parts["supervisord"])
    if not alive and not strays:
        end_leftovers(options)
        terminal.line("  Nothing runs here.")
        return
    with terminal.step("Stopped"):
        _end_foreground(options, parts, terminal)
        end_leftovers(options)


def end_leftovers(options: Options) -> None:
    """End what a killed run left behind: its supervisor, its children, its database."""
    supervisord = supervision.recorded(options).get("supervisord")
    if supervisord:
        supervision.end(options, supervisord)
    (options.run / platform.ENVIRONMENT_FILE).unlink(missing_ok=True)
    if (options.postgres / "password").exists():
        postgres.stop(options.postgres)


def reset(options: Options, terminal: Terminal) -> None:
    """End the run and delete everything it keeps, in var/ and on the Docker engine."""
    down(options, terminal)
    with terminal.step("Read which containers are ours"):
        instances = containers.own_instances(options)
    containers.remove(instances, terminal)
    with terminal.step("Deleted var/"):
        for directory in options.var.glob("*postgres*"):
            postgres.destroy(directory)
        shutil.rmtree(options.var, ignore_errors=True)


def _end_foreground(options: Options, parts: dict[str, proc.Process], terminal: Terminal) -> None:
    """The foreground ends its children itself when it is asked to."""
    foreground = parts.get("foreground")
    if foreground is None:
        return

    def is_over() -> bool:
        terminal.tick()
        return not proc.is_alive(foreground)

    proc.send(foreground, signal.SIGTERM)
    if not proc.wait_until(is_over, FOREGROUND_SECONDS):
        proc.send(foreground, signal.SIGKILL)
