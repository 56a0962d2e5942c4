"""`manage.py recovery_kit --to FILE`: what rebuilds the platform, behind a passphrase."""

import getpass
import os
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from apps.backups.targets import make_kit, target_as_it_is
from apps.core.exceptions import DomainError
from apps.events.actors import Actor
from apps.tenancy.kinds import operator
from dotmac.backups.kit import check_passphrase
from dotmac.crypto.secret import Secret


class Command(BaseCommand):
    """The passphrase is asked for, or read from a file or from KIT_PASSPHRASE."""

    help = "Writes the recovery kit: with it and its passphrase an empty machine is rebuilt."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Where to."""
        text = "a file that is not there yet; - writes it to the standard output"
        parser.add_argument("--to", required=True, type=Path, help=text)
        parser.add_argument("--passphrase-file", type=Path)

    def handle(self, *args: Any, **options: Any) -> None:
        """Write it for this user alone."""
        passphrase = _passphrase(options["passphrase_file"])
        if why := check_passphrase(passphrase):
            raise CommandError(why)
        try:
            with operator():
                kit = make_kit(target_as_it_is(), actor=Actor("system", label="manage.py"))
        except DomainError as error:
            raise CommandError(error.message) from error
        if str(options["to"]) == "-":
            self.stdout.write(kit.sealed(passphrase), ending="")
            return
        try:
            descriptor = os.open(options["to"], os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError as error:
            raise CommandError(f"{options['to']} is there already.") from error
        with os.fdopen(descriptor, "w") as file:
            file.write(kit.sealed(passphrase))
        self.stdout.write(f"{options['to']}: take it to a place where this machine is not.")


def _passphrase(file: Path | None) -> Secret:
    if file is not None:
        return Secret(file.read_text().rstrip("\n"))
    if given := os.environ.get("KIT_PASSPHRASE"):
        return Secret(given)
    first = getpass.getpass("Passphrase: ")
    if getpass.getpass("Again: ") != first:
        raise CommandError("The two are not the same.")
    return Secret(first)
