"""`manage.py platform_migrate`: bring the database to this release."""

from typing import Any

from django.core.management.base import BaseCommand

from apps.tenancy.migrating import migrate_all
from apps.tenancy.services import ensure_operator


class Command(BaseCommand):
    """Migrates the operator's schema, the templates, and every tenant that is behind."""

    help = "Migrates public, the templates of each kind of schema, and all tenants."

    def handle(self, *args: Any, **options: Any) -> None:
        """Print one line per schema that was looked after."""
        migrate_all(report=self.stdout.write)
        ensure_operator()
