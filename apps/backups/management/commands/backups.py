"""`manage.py backups`: what is in the repository, as it says itself."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from apps.backups.targets import store_of, target_as_it_is
from apps.tenancy.kinds import operator
from dotmac.backups import BackupError
from dotmac.backups.choosing import window
from dotmac.backups.records import read_bundles, read_repository, read_sets


class Command(BaseCommand):
    """A line for each backup, the oldest first, and what can be restored."""

    help = "Lists the backups at the place off site."

    def handle(self, *args: Any, **options: Any) -> None:
        """Read from the place itself."""
        with operator():
            target = target_as_it_is()
        if not target.key:
            raise CommandError("Backups are not set up: see the page Backups at the operator.")
        store = store_of(target)
        try:
            repository = read_repository(store)
            sets, bundles = read_sets(store), read_bundles(store)
            reach = window(repository, sets, bundles)
        except BackupError as error:
            raise CommandError(str(error)) from error
        for one in sets:
            self.stdout.write(
                f"{one.ended:%Y-%m-%d %H:%M:%S}  {one.kind:<13} {one.size:>15,} bytes"
            )
        if reach:
            first, last = reach
            self.stdout.write(f"From {first:%Y-%m-%d %H:%M:%S} to {last:%Y-%m-%d %H:%M:%S} (UTC)")
