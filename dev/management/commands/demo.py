"""`manage.py demo`: an operator and two ISPs to look around with. Never in production."""

import time
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError

from apps.accounts.models import User
from apps.accounts.services import create_user
from apps.billing import services as billing
from apps.events.actors import SYSTEM
from apps.fleet.engines import engine_of
from apps.fleet.models import Placement, Server
from apps.instances.models import Instance
from apps.operations.models import Operation
from apps.subscribers.models import Subscriber
from apps.tenancy.kinds import operator, schema_of
from apps.tenants.models import Organisation
from apps.tenants.services import Application, create_organisation
from dev import demo_past, demo_subscribers
from dev.demo_history import Past

PASSWORD = "dotmac-demo"
ACME = Application("Acme Fiber", "acme", "US", "USD", "America/Chicago", "local")
HILLTOP = Application("Hilltop Wireless", "hilltop", "GB", "GBP", "Europe/London", "local")
_DEPLOY_S = 300
# Since when there is a past to look at.
_DAYS, _ACME_DAYS = 60, 24


class Command(BaseCommand):
    """Makes what is missing of the demonstration, and says what it does."""

    help = "Makes a demonstration operator and two ISPs with subscribers. Repeatable."

    def handle(self, *args: Any, **options: Any) -> None:
        """Refuse in production; otherwise make all of it."""
        if not settings.DEVELOPMENT:
            raise CommandError("Demonstration data have no place in production.")
        call_command("platform_prepare", stdout=self.stdout)
        with operator():
            _person(f"operator@{settings.BASE_DOMAIN}", "Olivia Operator", superuser=True)
            demo_past.fill_operator(Past(_DAYS, seed=3))
        hilltop = self._isp(HILLTOP, "starter", "owner@hilltop.example", "Harriet Hill")
        with schema_of(hilltop.workspace.schema_name):  # type: ignore[union-attr]
            if not Subscriber.objects.exists():
                demo_subscribers.load(demo_subscribers.make_subscribers(40, seed=2))
            demo_past.fill_workspace(Past(_DAYS, seed=4), "Wes Field", "wes@hilltop.example")
        self._fill_console(hilltop, Past(_DAYS, seed=5))
        self.stdout.write("Hilltop Wireless: 40 subscribers in the shared workspace")
        if not self._has_server():
            self.stdout.write("Acme Fiber is left out: there is no server for its own stack.")
            return
        acme = self._isp(ACME, "business", "owner@acme.example", "Alice Acme")
        self._fill_dedicated(acme)

    def _isp(self, application: Application, plan: str, email: str, name: str) -> Organisation:
        with operator():
            found = Organisation.objects.filter(slug=application.slug).first()
            if found:
                return found
            owner = _person(email, name)
            offered = next(p for p in billing.offered_plans() if p.key == plan)
            made = create_organisation(application, offered, owner=owner, actor=SYSTEM)
        self.stdout.write(f"{application.name}: console and {plan} workspace")
        return made

    @staticmethod
    def _has_server() -> bool:
        return Server.objects.filter(status=Server.Status.ACTIVE).exists()

    def _fill_dedicated(self, organisation: Organisation) -> None:
        with schema_of(organisation.console.schema_name):  # type: ignore[union-attr]
            instance = self._deployed()
        container = f"dm-{instance.uuid.hex[:12]}-web-{instance.deployment}"
        placement = Placement.objects.get(instance=instance.uuid, status="active")
        csv = demo_subscribers.as_csv(demo_subscribers.make_subscribers(200, seed=1))
        result = engine_of(placement.server).exec(  # type: ignore[arg-type]
            container,
            ("sh", "-c", 'printf "%s" "$CSV" | python manage.py import_subscribers --if-empty -'),
            environment={"CSV": csv},
            timeout_s=120,
        )
        if result.exit_code != 0:
            raise CommandError(f"Acme's subscribers could not be loaded: {result.output[-500:]}")
        self.stdout.write("Acme Fiber: 200 subscribers in its own workspace")
        self._fill_console(organisation, Past(_ACME_DAYS, seed=6))

    @staticmethod
    def _fill_console(organisation: Organisation, past: Past) -> None:
        """A past of so many days, and an organisation that is as old."""
        with schema_of(organisation.console.schema_name):  # type: ignore[union-attr]
            if demo_past.fill_console(past):
                since = past.now - timedelta(days=past.days)
                Instance.objects.update(created_at=since)
                Organisation.objects.filter(pk=organisation.pk).update(created_at=since)

    def _deployed(self) -> Instance:
        """Wait for the deployment, which the worker runs; say its cause when it fails."""
        end = time.monotonic() + _DEPLOY_S
        while time.monotonic() < end:
            instance = Instance.objects.get(app="dotmac-isp")
            if instance.status == Instance.Status.ACTIVE:
                return instance
            if instance.status == Instance.Status.FAILED:
                last = Operation.objects.filter(name="instances.deploy").first()
                raise CommandError(f"Acme's workspace failed: {last.cause if last else '?'}")
            time.sleep(0.2)
        raise CommandError("Acme's workspace was not deployed in time. Does a worker run?")


def _person(email: str, name: str, *, superuser: bool = False) -> User:
    found = User.objects.filter(email=email).first()
    return found or create_user(
        email=email,
        password=PASSWORD,
        name=name,
        is_verified=True,
        is_staff=superuser,
        is_superuser=superuser,
        actor=SYSTEM,
    )
