"""`manage.py erase_imported acme --confirm acme`: what was imported and nobody adopts, erased."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from apps.core.exceptions import DomainError
from apps.events.actors import SYSTEM
from apps.tenancy.kinds import operator
from apps.tenants.erasing.imported import erase_imported


class Command(BaseCommand):
    """An operation of the workers erases it, and signs a certificate."""

    help = (
        "Erases an imported console and workspace that belong to no organisation. It cannot be"
        " taken back; `adopt_tenant` without a slug lists them."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Which, twice."""
        parser.add_argument("slug", help="of what import_tenant made")
        parser.add_argument("--confirm", default="", help="the slug again")

    def handle(self, *args: Any, **options: Any) -> None:
        """CommandError says why nothing was begun."""
        slug = options["slug"]
        if options["confirm"] != slug:
            raise CommandError(f"It cannot be taken back. Say --confirm {slug} to erase it.")
        with operator():
            try:
                begun = erase_imported(slug, confirm=slug, actor=SYSTEM)
            except DomainError as error:
                raise CommandError(error.message) from error
        self.stdout.write(f"{slug} is being erased, operation {begun.uuid}.")
