"""`manage.py take_over --mark FILE`: the last step of `make rebuild`."""

import json
import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from apps.backups.taking_over import take_over
from apps.tenancy.kinds import operator
from dotmac.backups import BackupError


class Command(BaseCommand):
    """Run by `make rebuild` and `make install KIT=…`."""

    help = "Has this machine write to the repository that it was rebuilt from."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """What the rebuild noted."""
        parser.add_argument("--mark", required=True, help="a file; - reads the standard input")

    def handle(self, *args: Any, **options: Any) -> None:
        """No output: the rebuild speaks."""
        file = options["mark"]
        mark = json.loads(sys.stdin.read() if file == "-" else Path(file).read_text())
        try:
            with operator():
                take_over(mark)
        except BackupError as error:
            raise CommandError(str(error)) from error
