"""`manage.py verify_erasure <uuid>`: check a certificate, and that nothing has come back."""

from argparse import ArgumentParser
from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError
from django.db.models import Q

from apps.tenancy.kinds import operator
from apps.tenants.erasing.certificates import all_faults, unproven_of
from apps.tenants.models import Erasure


class Command(BaseCommand):
    """Looks through every table of the operator; takes as long as the largest of them."""

    help = "Checks the certificate of an erased organisation, and that nothing of it came back."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Which one."""
        parser.add_argument("uuid", type=UUID, help="of the certificate or of the organisation")

    def handle(self, *args: Any, **options: Any) -> None:
        """Say that it holds, or fail with what does not."""
        with operator():
            wanted = Q(uuid=options["uuid"]) | Q(organisation=options["uuid"])
            erasure = Erasure.objects.filter(wanted).first()
            if erasure is None:
                raise CommandError("There is no such certificate.")
            found = all_faults(erasure)
        if found:
            raise CommandError("\n".join(found))
        self.stdout.write(f"The certificate of {erasure} holds, and nothing has come back.")
        for one in unproven_of(erasure):
            names = ", ".join((*one.containers, *one.volumes))
            self.stdout.write(f"Not proven erased, on {one.server} ({one.reason}): {names}")
