"""`manage.py platform_prepare`: what a new platform needs beside its tables."""

from typing import Any

from django.core.management import call_command
from django.core.management.base import BaseCommand

from apps.billing.services import seed_operator_plans
from apps.certificates import environment
from apps.core.exceptions import DomainError
from apps.fleet.services import register_edge_certificate
from apps.tenancy.kinds import operator


class Command(BaseCommand):
    """Plans, catalogue, the edge's certificate, this machine's region and server. Repeatable."""

    help = "Seeds plans and catalogue, and registers the local Docker engine as a server."

    def handle(self, *args: Any, **options: Any) -> None:
        """Make what is missing."""
        with operator():
            seed_operator_plans()
            register_edge_certificate()
            self._set_up_certificates()
        call_command("publish_catalogue", stdout=self.stdout)
        call_command("register_local_server", stdout=self.stdout)

    def _set_up_certificates(self) -> None:
        """By the environment; a mistake there keeps nothing else from starting."""
        try:
            environment.set_up()
        except (DomainError, OSError) as error:
            self.stderr.write(f"  The certificate authority is not set up: {error}")
