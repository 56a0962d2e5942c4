"""`manage.py publish_catalogue`: have the built-in apps in the catalogue."""

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from apps.core.exceptions import DomainError
from apps.marketplace import services


class Command(BaseCommand):
    """Publishes every manifest of a folder; what is published already stays as it is."""

    help = "Publishes the app manifests of a folder, by default the built-in ones. Repeatable."

    def add_arguments(self, parser: CommandParser) -> None:
        """Another folder than the built-in one."""
        parser.add_argument("folder", nargs="?", type=Path, default=services.BUILT_IN)

    def handle(self, *args: Any, **options: Any) -> None:
        """Publish all, or say what is wrong with one."""
        try:
            releases = services.publish_folder(options["folder"])
        except DomainError as error:
            raise CommandError(error.message) from error
        self.stdout.write(f"In the catalogue: {', '.join(map(str, releases))}.")
