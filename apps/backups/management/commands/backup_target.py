"""`manage.py backup_target [ADDRESS]`: where backups go, set where nothing is yet, and checked."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from apps.backups.models import BackupTarget
from apps.backups.targets import needs_kit, set_first_target, target_in_use, try_target
from apps.core.exceptions import DomainError
from apps.events.actors import Actor
from apps.tenancy.kinds import operator
from dotmac.backups import BackupError, Target
from dotmac.backups.target import kind_of
from dotmac.crypto.secret import Secret


class Command(BaseCommand):
    """Exit code 1 where backups go nowhere, or the place does not take them.

    The secret is read from a file or from the standard input: arguments are for everybody to see.
    """

    help = "Says where backups go and checks the place; an ADDRESS is set where there is none yet."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """The place, and who may write there."""
        text = "https://host/bucket/path, sftp://host/path, or /a/directory"
        parser.add_argument("address", nargs="?", default="", help=text)
        parser.add_argument("--user", default="", help="access key, or user name")
        parser.add_argument("--secret-file", default="", help="holds the secret; - reads it")
        parser.add_argument("--region", default="")
        parser.add_argument("--host-key", default="", help="of an SFTP server, by ssh-keyscan")

    def handle(self, *args: Any, **options: Any) -> None:
        """A line."""
        try:
            with operator():
                row = _set(options) if options["address"] else target_in_use()
                if row is None or not row.is_on:
                    raise CommandError("Backups go nowhere: name a place.")
                why, is_without_kit = try_target(row), needs_kit(row)
        except (DomainError, BackupError) as error:
            raise CommandError(str(error)) from error
        if why:
            raise CommandError(why)
        self.stdout.write(f"Backups go to {row.address}, which takes them.")
        if is_without_kit:
            self.stdout.write(
                "Recovery kit: none opens these backups. Make one by `recovery_kit --to -`, and "
                "keep it where this machine is not."
            )


def _set(options: dict[str, Any]) -> BackupTarget:
    place = Target(
        kind=kind_of(options["address"]),
        address=options["address"],
        user=options["user"],
        secret=_secret(options["secret_file"]),
        region=options["region"],
        host_key=options["host_key"],
    )
    return set_first_target(place, actor=Actor("system", label="manage.py"))


def _secret(file: str) -> Secret:
    if not file:
        return Secret("")
    try:
        with open(0 if file == "-" else file) as source:
            return Secret(source.read().rstrip("\n"))
    except OSError as error:
        raise CommandError(f"{file} cannot be read: {error.strerror}.") from error
