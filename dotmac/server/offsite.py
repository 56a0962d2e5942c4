"""Where the server's backups go: said at the installation, kept and used by the platform itself."""

from __future__ import annotations

import getpass
import shlex
import sys
from pathlib import Path

from dotmac.backups import BackupError, Target
from dotmac.backups.target import DIRECTORY, kind_of
from dotmac.crypto.secret import Secret
from dotmac.server.children import call, manage
from dotmac.server.errors import NoBackupError, SetupError
from dotmac.server.options import Options
from dotmac.server.releases import Release
from dotmac.server.terminal import Terminal

# What `backup` and `backup_target` of the platform say (apps.backups.management).
_IS_OFF, _NOWHERE = "Backups are off", "Backups go nowhere"
_TOLD = ("Backups go to", "Recovery kit")


def said(options: Options) -> Target | None:
    """The place that this run was told, with its secret; SetupError for what is none.

    The secret is read from BACKUP_SECRET_FILE or the environment, else asked for.
    """
    address = options.says("BACKUP_TARGET")
    if not address:
        return None
    if not options.keeps_database:
        raise SetupError(
            "BACKUP_TARGET is for the machine's own PostgreSQL. What DATABASE_URL names is backed "
            "up where it is kept: name a BACKUP_COMMAND, which runs before each upgrade."
        )
    try:
        kind = kind_of(address)
        place = Target(
            kind, address, options.says("BACKUP_USER"), _secret(options, kind),
            options.says("BACKUP_REGION"), options.says("BACKUP_HOST_KEY"),
        )  # fmt: skip
        place.check()
    except BackupError as error:
        raise SetupError(f"BACKUP_TARGET is {address}. {error}") from error
    return place


def ensure(options: Options, place: Target | None, release: Release, terminal: Terminal) -> str:
    """Have the platform keep and check the place; why this server is not backed up, or nothing."""
    if not options.keeps_database:
        return "" if options.says("BACKUP_COMMAND") else without(options)
    if options.says("BACKUP_COMMAND"):
        terminal.warn("BACKUP_COMMAND is not run: the platform backs this database up itself.")
    arguments, given = [], None
    if place is not None:
        arguments = [f"--user={place.user}", f"--region={place.region}"]
        arguments += [f"--host-key={place.host_key}", "--secret-file=-", place.address]
        given = place.secret
    try:
        with terminal.step("Place of the backups"):
            lines = manage(options, release, terminal, "backup_target", *arguments, given=given)
    except SetupError as error:
        is_none = place is None and _NOWHERE in str(error)
        return without(options) if is_none else f"Backups do not leave this machine. {error}"
    for line in lines:
        if line.startswith(_TOLD):
            terminal.line(f"  {line}")
    return ""


def without(options: Options) -> str:
    """What to do where nothing is backed up."""
    if not options.keeps_database:
        return (
            "Backups: none. The database is not this machine's, so the platform does not back it "
            f"up. Have it carried off site with {options.layout.env_file} and "
            f"{options.layout.var}; name the command that makes a backup in BACKUP_COMMAND."
        )
    return (
        "Backups: none. Name a place that is not this machine, BACKUP_TARGET=https://host/bucket/"
        "path or sftp://host/path, with BACKUP_USER and BACKUP_SECRET_FILE, and install again; or "
        "choose it on the page “Backups”."
    )


def back_up(options: Options, release: Release, terminal: Terminal) -> None:
    """A backup by the release that serves, or of a database elsewhere by its owner's command.

    SetupError when it fails, NoBackupError where it has no place: nothing may be touched then.
    """
    if options.is_on("WITHOUT_BACKUP"):
        terminal.warn("WITHOUT_BACKUP=1: nothing is backed up before this upgrade.")
    elif options.keeps_database:
        with terminal.step("Backup"):
            lines = manage(options, release, terminal, "backup", "--wait", "--if-on")
        if any(line.startswith(_IS_OFF) for line in lines):
            raise NoBackupError(_refusal(options))
    elif command := shlex.split(options.says("BACKUP_COMMAND")):
        with terminal.step("Backup"):
            call(options, terminal, command, "The backup before the upgrade failed.")
    else:
        raise NoBackupError(_refusal(options))


def _refusal(options: Options) -> str:
    return f"{without(options)}\n  Nothing was changed. WITHOUT_BACKUP=1 upgrades without a backup."


def _secret(options: Options, kind: str) -> Secret:
    if file := options.says("BACKUP_SECRET_FILE"):
        try:
            return Secret(Path(file).read_text().rstrip("\n"))
        except OSError as error:
            raise SetupError(f"BACKUP_SECRET_FILE: {file}: {error.strerror}.") from error
    if given := options.says("BACKUP_SECRET"):
        return Secret(given)
    if kind == DIRECTORY or not sys.stdin.isatty():
        return Secret("")
    return Secret(getpass.getpass("  Secret key or password of the place of backups: "))
