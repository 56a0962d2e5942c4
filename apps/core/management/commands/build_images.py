"""`manage.py build_images`: the container images of this release on the local engine."""

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from images.building import Builder, BuildError


class Command(BaseCommand):
    """Builds what is missing or outdated, one line per stage; quick when nothing is."""

    help = "Builds the images of this release: base, app, postgres, and the catalogue's."
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        """Names of images to build instead of all."""
        parser.add_argument("names", nargs="*", help="for instance app or postgres; default: all")

    def handle(self, *args: Any, **options: Any) -> None:
        """Report what is made; the error has the last lines of the failing step."""
        try:
            builder = Builder(settings.DOCKER_HOST, report=self._report)
            made = builder.build_all(settings.VERSION, tuple(options["names"]))
        except BuildError as error:
            raise CommandError(str(error)) from error
        if not made:
            self._report("All images are up to date.")

    def _report(self, line: str) -> None:
        self.stdout.write(line)
        self.stdout.flush()
