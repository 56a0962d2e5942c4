"""`manage.py erase_again`: what was erased and is here again since a restore."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError

from apps.backups.ledger import compare
from apps.backups.targets import store_of, target_in_use
from apps.core.exceptions import DomainError
from apps.events.actors import SYSTEM
from apps.tenancy.kinds import operator
from apps.tenants.erasing.again import come_back, erase_again, know_of
from apps.tenants.erasing.people import erase_person_again, people_come_back
from apps.tenants.models import Erasure
from dotmac.backups import BackupError


class Command(BaseCommand):
    """Organisations are erased by operations of the workers; people at once."""

    help = (
        "Looks off site for erasures that this database has forgotten, lists what is here again,"
        " and erases it: some organisations by their certificates' ids, or everything."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Which; without any it only lists."""
        parser.add_argument("uuid", nargs="*", type=UUID, help="of certificates or organisations")
        parser.add_argument("--all", action="store_true", help="all of them, and all people")
        parser.add_argument("--certificate", type=Path, help="a certificate's file (JSON)")

    def handle(self, *args: Any, **options: Any) -> None:
        """A line for each; exit code 1 where something could not be begun."""
        with operator():
            self._look()
            if options["certificate"]:
                self._take_in(options["certificate"])
            wanted = set(options["uuid"])
            found = list(come_back().order_by("name"))
            unknown = wanted - {one.uuid for one in found} - {one.organisation for one in found}
            if unknown:
                raise CommandError(f"{unknown.pop()} has not come back.")
            for one in found:
                is_wanted = options["all"] or wanted & {one.uuid, one.organisation}
                self._organisation(one, is_wanted=bool(is_wanted))
            failed = self._people(is_wanted=options["all"])
        if failed:
            raise CommandError("\n".join(failed))

    def _look(self) -> None:
        target = target_in_use()
        if target is None:
            self.stdout.write("No backups are on: only certificates that are here are looked at.")
            return
        try:
            compare(store_of(target), anew=True)
        except BackupError as error:
            raise CommandError(f"The place off site cannot be looked at: {error}") from error

    def _take_in(self, file: Path) -> None:
        try:
            know_of(file.read_bytes())
        except DomainError as error:
            raise CommandError(error.message) from error
        except OSError as error:
            raise CommandError(f"{file} cannot be read: {error.strerror}") from error

    def _organisation(self, one: Erasure, *, is_wanted: bool) -> None:
        said = f"{one.name} ({one.slug}), erased {one.erased_at:%Y-%m-%d %H:%M}: {one.uuid}"
        if is_wanted:
            operation = erase_again(one, actor=SYSTEM)
            said += f" is erased again, operation {operation.uuid}"
        self.stdout.write(said)

    def _people(self, *, is_wanted: bool) -> list[str]:
        failed = []
        for one in people_come_back():
            said = f"{one.row.get_kind_display()} {one.row.person} in {one.row.schema}"
            if is_wanted:
                try:
                    erase_person_again(one, actor=SYSTEM)
                    said += ": erased again"
                except DomainError as error:
                    failed.append(f"{said}: {error.message}")
                    continue
            self.stdout.write(said)
        return failed
