"""`upgrade` and `rollback`: another release serves, and nobody notices."""

from __future__ import annotations

import fcntl
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from dotmac.server import images, logs, releases
from dotmac.server.children import manage
from dotmac.server.deployment import Deployment
from dotmac.server.errors import SetupError
from dotmac.server.laying import lay_out, source_of
from dotmac.server.marks import SOME_TENANTS_FAILED
from dotmac.server.offsite import back_up
from dotmac.server.options import Layout, Options
from dotmac.server.releases import Release
from dotmac.server.services import keeper
from dotmac.server.terminal import Terminal

# As `migrate_fleet` ends the line of each tenant.
_COUNT = re.compile(r"\((\d+) of (\d+)\)$")
_LEFT_BEHIND = (
    "they answer 503 while it serves, until `dotmac manage migrate_fleet` brought them up."
)


@contextmanager
def only_one(layout: Layout) -> Iterator[None]:
    """Hold the server for one action; the kernel lets go of it however the process ends."""
    layout.lock.parent.mkdir(parents=True, exist_ok=True)
    with layout.lock.open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise SetupError(
                "Another installation, upgrade or return runs on this server. Wait for its end."
            ) from error
        logs.begin(layout.action_log)
        yield


def upgrade(options: Options, terminal: Terminal) -> None:
    """Bring the release of a checkout to serve; SetupError says which one does where it fails."""
    layout = options.layout
    with only_one(layout):
        current = _current(layout)
        source = source_of(options)
        _refuse_older(source, current.own_migrations() - Release(source).own_migrations())
        release = lay_out(options, source, terminal)
        # Only now its packages are there.
        _refuse_older(source, current.migrations() - release.migrations())
        deployment = Deployment(options, keeper(options), terminal)
        if release == current and deployment.is_at(release):
            # Whoever was killed when it served already left the newest tenants behind.
            _catch_up(options, release, terminal)
            terminal.line(f"  Release {release.name} serves already.")
            return
        _preflight(options, release, current, terminal)
        _prepare_images(options, release, terminal)
        back_up(options, current, terminal)
        _migrate(options, release, terminal)
        with terminal.step("Plans and catalogue"):
            manage(options, release, terminal, "platform_prepare")
        _bring(deployment, release, current)
        for name in releases.prune(layout):
            terminal.detail(f"removed release {name}")
    terminal.line(
        f"  Release {release.name} serves. `dotmac rollback` goes back to {current.name}."
    )


def rollback(options: Options, terminal: Terminal) -> None:
    """Bring the release before to serve, on the schemas as they are; SetupError without one."""
    layout = options.layout
    with only_one(layout):
        current, before = _current(layout), releases.linked(layout.previous)
        if before is None or not before.is_whole:
            raise SetupError("There is no release to go back to on this server.")
        with terminal.step(f"Check of release {before.name}"):
            _check(options, before, terminal)
        # Whoever goes back is in a hurry, and what is deployed runs on.
        images.build_if_possible(options, before, terminal)
        if _new_in(before, current):
            # It goes forward again, and the other one gave schemas to who signed up since.
            _migrate(options, before, terminal)
        _bring(Deployment(options, keeper(options), terminal), before, current)
    terminal.line(
        f"  Release {before.name} serves. `dotmac rollback` goes to {current.name} again."
    )


def _bring(deployment: Deployment, release: Release, served: Release) -> None:
    """Have a release serve all tenants; SetupError also where it serves, but not all of them.

    Who signed up since they were migrated has a schema of the release before: most while web
    started, which is mended as soon as the edge leads to the new one; the last while the old one
    answered its last requests.
    """
    options, terminal = deployment.options, deployment.terminal
    if not _new_in(release, served):
        deployment.bring(release)
        return

    def bring_up_early() -> None:
        failed = _brought_up(options, release, terminal)
        if failed:
            terminal.warn(f"{failed}\n  This is tried again at the end.")

    deployment.bring(release, when_led=bring_up_early)
    _catch_up(options, release, terminal)


def _catch_up(options: Options, release: Release, terminal: Terminal) -> None:
    """Tenants of a release that serves; the error does not say that another one does."""
    failed = _brought_up(options, release, terminal)
    if failed is None:
        return
    if failed.code == SOME_TENANTS_FAILED and options.is_on("WITHOUT_TENANTS"):
        terminal.warn(f"WITHOUT_TENANTS=1: {_LEFT_BEHIND} {failed}")
        return
    raise SetupError(
        f"Release {release.name} serves, but some tenants may lack what it needs. {failed}\n"
        "  Run: dotmac manage migrate_fleet"
    ) from failed


def _brought_up(options: Options, release: Release, terminal: Terminal) -> SetupError | None:
    """What went wrong with tenants that were made meanwhile, whatever it is."""
    try:
        return migrate(options, release, terminal, "Schemas made meanwhile")
    except SetupError as error:
        return error


def _migrate(options: Options, release: Release, terminal: Terminal) -> None:
    """SetupError also for a single tenant, which an owner may choose to leave behind."""
    failed = migrate(options, release, terminal)
    if failed is None:
        return
    if not options.is_on("WITHOUT_TENANTS"):
        raise SetupError(
            f"{failed}\n  The runbook docs/runbooks/migration-failed.md says how to mend them. "
            f"WITHOUT_TENANTS=1 goes on without them: {_LEFT_BEHIND}",
            code=failed.code,
        ) from failed
    terminal.warn(f"WITHOUT_TENANTS=1: {_LEFT_BEHIND} {failed}")


def migrate(
    options: Options, release: Release, terminal: Terminal, title: str = "Schemas"
) -> SetupError | None:
    """Bring the schemas to a release; what it says of tenants that stay behind. SetupError."""
    try:
        with terminal.step(title):
            manage(options, release, terminal, "migrate_fleet", watch=counted(terminal))
    except SetupError as error:
        if error.code != SOME_TENANTS_FAILED:
            raise
        return error
    return None


def counted(terminal: Terminal) -> Callable[[str], None]:
    """What shows how many of how many tenants are done, where a terminal is watched."""

    def watch(line: str) -> None:
        found = _COUNT.search(line)
        if found and terminal.is_live:
            terminal.detail(f"{found[1]} of {found[2]} tenants")

    return watch


def _new_in(release: Release, other: Release) -> list[str]:
    """Migrations that another release does not have."""
    return sorted(release.migrations() - other.migrations())


def _current(layout: Layout) -> Release:
    current = releases.linked(layout.current)
    if current is None:
        raise SetupError("Nothing is installed on this server yet. Run: make install DOMAIN=…")
    return current


def _refuse_older(source: Path, missing: set[str]) -> None:
    """An older one knows too little of the schemas, unless it is the one before."""
    if missing:
        raise SetupError(
            f"{source} is older than the release that serves: it lacks the migration "
            f"{min(missing)}. To go back to the release before, run: dotmac rollback"
        )


def _preflight(options: Options, release: Release, current: Release, terminal: Terminal) -> None:
    """What must hold before anything that serves is touched."""
    with terminal.step(f"Check of release {release.name}"):
        _check(options, release, terminal)
        for name in _new_in(release, current):
            terminal.detail(f"migration {name}")


def _check(options: Options, release: Release, terminal: Terminal) -> None:
    manage(options, release, terminal, "check", "--deploy", "--fail-level", "ERROR")


def _prepare_images(options: Options, release: Release, terminal: Terminal) -> None:
    """Before the catalogue offers what runs from them; SetupError says how to go on without."""
    if options.is_on("WITHOUT_IMAGES"):
        terminal.warn(
            "WITHOUT_IMAGES=1: dedicated workspaces cannot be deployed from this release."
        )
        return
    try:
        images.build(options, release, terminal)
    except SetupError as error:
        raise SetupError(
            f"{error}\n  Nothing was changed. WITHOUT_IMAGES=1 goes on without them; then no "
            "dedicated workspace can be deployed until `dotmac manage build_images` went through."
        ) from error
