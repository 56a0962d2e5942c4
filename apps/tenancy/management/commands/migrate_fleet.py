"""`manage.py migrate_fleet`: bring the database to this release."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from apps.core.health import some
from apps.tenancy.kinds import operator
from apps.tenancy.migrating.behind import look
from apps.tenancy.migrating.fleet import Progress, migrate_fleet
from apps.tenancy.models import Tenant
from apps.tenancy.services import ensure_operator
from dotmac.server.marks import SOME_TENANTS_FAILED

_WIDTH = 30
_NAMED = 50


class Command(BaseCommand):
    """Migrates the operator's schema, the templates, and every tenant that is behind."""

    help = (
        "Migrates public, the templates of each kind of schema, and all tenants. A tenant that"
        " fails stays as it was and is named at the end, and the exit code is 4; run it again"
        " after mending it."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Schemas to look after; all without."""
        parser.add_argument("schemas", nargs="*", help="only these schemas, such as c_acme")
        parser.add_argument("--jobs", type=int, default=4, help="tenants at a time (4)")
        parser.add_argument("--list", action="store_true", help="only say which are behind")

    def handle(self, *args: Any, **options: Any) -> None:
        """A bar where somebody watches, else a line for each schema; CommandError if one failed."""
        self._refuse_unknown(options["schemas"])
        if options["list"]:
            return self._list(options["schemas"])
        if options["jobs"] < 1:
            raise CommandError("--jobs is at least 1.")
        done = migrate_fleet(self._report, jobs=options["jobs"], only=options["schemas"])
        ensure_operator()
        if self.stdout.isatty() and done.total:
            self.stdout.write("")
        for schema, error in done.failed.items():
            self.stderr.write(f"{schema}: {error}")
        if done.failed:
            raise CommandError(
                f"{len(done.failed)} of {done.total} tenants were not migrated and stay as they"
                f" were: {some(done.failed, _NAMED)}. The others are at this release.",
                returncode=SOME_TENANTS_FAILED,
            )
        return None

    def _refuse_unknown(self, schemas: list[str]) -> None:
        with operator():
            known = Tenant.objects.filter(schema_name__in=schemas, is_local=True)
            missing = sorted(set(schemas) - set(known.values_list("schema_name", flat=True)))
        if missing:
            raise CommandError(
                f"No tenant here has the schema {', '.join(missing)}. A schema is named by its kind"
                " and slug, such as c_acme for a console and w_acme for a workspace."
            )

    def _list(self, only: list[str]) -> None:
        behind = look(only)
        for group in behind.groups:
            for schema in group.schemas:
                self.stdout.write(schema)
        for schema in behind.unreadable:
            self.stdout.write(f"{schema}  has no table of migrations")

    def _report(self, progress: Progress, what: str) -> None:
        if not self.stdout.isatty() or not progress.total:
            failed = "  failed" if what in progress.failed else ""
            # What carries an upgrade shows the count (dotmac.server.upgrade).
            count = f"  ({progress.done} of {progress.total})" if progress.total else ""
            self.stdout.write(f"{what}{failed}{count}")
            return
        full = _WIDTH * progress.done // progress.total
        failed = f", {len(progress.failed)} failed" if progress.failed else ""
        bar = "█" * full + "░" * (_WIDTH - full)
        self.stdout.write(f"\r{bar} {progress.done} of {progress.total}{failed}", ending="")
        self.stdout.flush()
