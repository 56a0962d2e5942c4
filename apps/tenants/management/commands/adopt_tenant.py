"""`manage.py adopt_tenant acme …`: an imported console and workspace as a customer."""

from argparse import ArgumentParser
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError
from django.core.validators import validate_email

from apps.billing.services import newest_version_of
from apps.core.exceptions import DomainError
from apps.events.actors import SYSTEM
from apps.fleet.models import Region
from apps.tenancy.kinds import operator
from apps.tenants.adopting import adopt, imported, tenants_of_nobody
from apps.tenants.attaching import attach
from apps.tenants.models import Organisation
from apps.tenants.places import currency_of, time_zone_of
from apps.tenants.services import Application


class Command(BaseCommand):
    """All of it or nothing; without a slug it lists what belongs to nobody."""

    help = (
        "Makes an organisation of an imported console and workspace, or gives an imported"
        " workspace to an organisation in the place of its own, which has to be empty."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Which, whose, on which plan; or for which organisation."""
        parser.add_argument("slug", nargs="?", default="", help="of what import_tenant made")
        parser.add_argument("--owner", default="", help="the owner's e-mail address")
        parser.add_argument("--plan", default="", help="the key of a plan")
        parser.add_argument("--country", default="", help="ISO 3166, as SE")
        parser.add_argument("--currency", default="", help="ISO 4217; by default the country's")
        parser.add_argument("--time-zone", default="", help="by default the country's main one")
        parser.add_argument("--region", default="", help="needed where there are several")
        parser.add_argument("--name", default="", help="by default as it was called")
        parser.add_argument("--into", default="", help="the address of an organisation here")

    def handle(self, *args: Any, **options: Any) -> None:
        """CommandError says why nothing was changed."""
        with operator():
            if not options["slug"]:
                return self._list()
            try:
                done = _attach(options) if options["into"] else _adopt(options)
            except DomainError as error:
                raise CommandError(error.message) from error
        self.stdout.write(f"{done.name} is a customer: {done.slug}, on the plan {done.plan_key}.")
        return None

    def _list(self) -> None:
        for one in tenants_of_nobody():
            schemas = [t.schema_name for t in (one.console, one.workspace) if t is not None]
            self.stdout.write(f"{one.slug}: {one.name} ({', '.join(schemas)})")


def _attach(options: dict[str, Any]) -> Organisation:
    organisation = Organisation.objects.filter(slug=options["into"]).first()
    if organisation is None:
        raise CommandError(f"There is no organisation “{options['into']}”.")
    return attach(options["slug"], organisation, actor=SYSTEM)


def _adopt(options: dict[str, Any]) -> Organisation:
    for name in ("owner", "plan", "country"):
        if not options[name]:
            raise CommandError(f"Say which --{name}; or --into for an organisation that is here.")
    try:
        validate_email(options["owner"])
    except ValidationError as error:
        raise CommandError(f"{options['owner']} is no e-mail address.") from error
    country = options["country"].upper()
    found = imported(options["slug"])
    application = Application(
        name=options["name"] or (found.name if found else options["slug"]),
        slug=options["slug"],
        country=country,
        currency=options["currency"].upper() or currency_of(country),
        time_zone=options["time_zone"] or time_zone_of(country),
        region=options["region"] or _only_region(),
    )
    plan = newest_version_of(options["plan"])
    return adopt(application, plan, email=options["owner"], actor=SYSTEM)


def _only_region() -> str:
    regions = list(Region.objects.filter(is_open=True).values_list("code", flat=True)[:2])
    if len(regions) != 1:
        raise CommandError("Say in which --region.")
    return str(regions[0])
