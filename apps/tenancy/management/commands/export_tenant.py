"""`manage.py export_tenant acme --to acme.dotmac`: one tenant as one file."""

import sys
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import Error

from apps.core.exceptions import DomainError
from apps.tenancy.transfer.exporting import export_schema, tenant_named
from apps.tenancy.transfer.telling import Bar, megabytes


class Command(BaseCommand):
    """Writes a console or a workspace into a file that import_tenant reads."""

    help = (
        "Exports one tenant's schema, with what goes with it, as one consistent file. It holds"
        " people's data and password digests: keep it as you keep a backup."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Which tenant, and where to."""
        parser.add_argument("tenant", help="a schema such as w_acme, or a slug with only one here")
        parser.add_argument("--to", required=True, type=Path, metavar="FILE", help="a new file")
        parser.add_argument("--replace", action="store_true", help="FILE may be there already")

    def handle(self, *args: Any, **options: Any) -> None:
        """One line at the end; CommandError says what is wrong."""
        path: Path = options["to"]
        if path.exists() and not options["replace"]:
            raise CommandError(f"{path} is there already. Choose another, or say --replace.")
        bar = Bar(sys.stderr)
        try:
            tenant = tenant_named(options["tenant"])
            done = export_schema(tenant, path, bar)
        except DomainError as error:
            raise CommandError(error.message) from error
        except Error as error:
            raise CommandError(f"The database did not give it: {error}") from error
        except OSError as error:
            raise CommandError(f"{path} cannot be written: {error.strerror or error}") from error
        finally:
            bar.end()
        self.stdout.write(
            f"{tenant.schema_name}: {done.rows:,} rows of {len(done.tables)} tables,"
            f" {megabytes(path.stat().st_size)} in {path}"
        )
