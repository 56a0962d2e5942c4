"""`manage.py restore_schema w_acme --at "2026-11-29 17:00"`: one tenant as it was."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from apps.backups.exceptions import FAILURES
from apps.backups.one_schema import bring_back
from apps.backups.places import database
from apps.backups.targets import store_of, target_as_it_is
from apps.core.commands import as_here
from apps.core.exceptions import DomainError
from apps.tenancy.kinds import PUBLIC, kept_aside, operator
from apps.tenancy.models import Tenant
from dotmac.backups.rebuilding import moment


class Command(BaseCommand):
    """Says what is left to do; exit code 1 where nothing was changed."""

    help = (
        "Puts a tenant's schema of a moment in the place of the one that is there, which is kept"
        " aside. Stop its instance first, so that nobody writes."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Which tenant, and the moment."""
        parser.add_argument("schema", help="the tenant's schema, such as w_acme")
        parser.add_argument("--at", default="", help="the moment (UTC); the newest if empty")

    def handle(self, *args: Any, **options: Any) -> None:
        """By this process; an error leaves all as it was."""
        try:
            at = moment(options["at"])
            with operator():
                tenant = _tenant(options["schema"])
                target = target_as_it_is()
                if not target.key:
                    raise CommandError("Backups are not set up: see the page Backups.")
                bring_back(tenant, database(), store_of(target), at=at, beat=_nothing)
        except DomainError as error:
            raise CommandError(error.message) from error
        except FAILURES as error:
            raise CommandError(str(error)) from error
        schema = tenant.schema_name
        self.stdout.write(
            f"{schema} is as it was at {options['at'] or 'the newest moment'}. What was there is in"
            f" {kept_aside(schema)}. Next:"
        )
        for line in ("migrate_fleet {0}", 'accept_restored_log {0} --by "…" --reason "…"'):
            self.stdout.write(as_here(f"  python manage.py {line.format(schema)}"))


def _tenant(schema: str) -> Tenant:
    """Its row; the schema itself may be gone."""
    rows = Tenant.objects.filter(schema_name=schema, is_local=True)
    found: Tenant | None = rows.exclude(schema_name=PUBLIC).first()
    if found is None:
        raise CommandError(f"No tenant of this database has the schema {schema}.")
    return found


def _nothing() -> None:
    """No lease that could be lost."""
