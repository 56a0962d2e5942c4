"""`manage.py import_tenant acme.dotmac`: a tenant from a file."""

import sys
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import Error

from apps.core.exceptions import DomainError
from apps.tenancy.transfer.importing import import_archive
from apps.tenancy.transfer.telling import Bar


class Command(BaseCommand):
    """Makes a tenant of an archive: all of it, or nothing."""

    help = (
        "Imports a console or a workspace that export_tenant wrote. An archive of an older release"
        " is brought to this one. Whoever wrote the file decides what is in it: import only files"
        " whose way you know."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Which file, and under which slug."""
        parser.add_argument("file", type=Path)
        parser.add_argument("--slug", default="", help="another slug than the archive's own")

    def handle(self, *args: Any, **options: Any) -> None:
        """What came, and what is to be known of it; CommandError says why nothing was made."""
        bar = Bar(sys.stderr)
        try:
            done = import_archive(options["file"], slug=options["slug"], report=bar)
        except DomainError as error:
            raise CommandError(f"{error.message} Nothing was imported.") from error
        except Error as error:
            raise CommandError(f"Nothing was imported. The database says: {error}") from error
        except OSError as error:
            said = error.strerror or error
            raise CommandError(f"{options['file']} cannot be read: {said}") from error
        finally:
            bar.end()
        older = ", migrated from an older release" if done.was_older else ""
        self.stdout.write(
            f"{done.tenant.schema_name}: {done.rows:,} rows{older}; it is at {done.host}"
        )
        for note in done.notes:
            self.stdout.write(f"  {note}")
        self.stdout.write("  It belongs to nobody yet: adopt_tenant makes it a customer.")
