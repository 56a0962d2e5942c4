"""`manage.py release`: the release command of a dedicated workspace."""

import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from config.isp import release
from config.isp.workspace import from_environment


class Command(BaseCommand):
    """Brings the database to this release; on a new one it makes the workspace."""

    help = "Migrates the database to this release and makes its workspace. Repeatable."
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        """Either option instead of the release itself."""
        choice = parser.add_mutually_exclusive_group()
        choice.add_argument("--check", action="store_true", help="exit 0 when nothing is to do")
        choice.add_argument(
            "--template", action="store_true", help="make an empty workspace, for an image"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Say in one line what was done."""
        try:
            self._act(options)
        except release.ReleaseError as error:
            raise CommandError(str(error)) from error

    def _act(self, options: dict[str, Any]) -> None:
        if options["template"]:
            release.wait_for_database(release.WAIT_S)
            release.make_template()
        elif options["check"]:
            release.wait_for_database(release.WAIT_S)
            sys.exit(0 if release.is_done(from_environment()) else 1)
        else:
            changed = release.release(from_environment())
            self.stdout.write("Released." if changed else "Nothing to do.")
