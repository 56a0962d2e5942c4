"""`manage.py accept_restored_log w_acme --by … --reason …`: a log that ends early on purpose."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from apps.core.exceptions import DomainError
from apps.events.accepting import accept_restored_log
from apps.events.actors import Actor
from apps.events.exceptions import NothingToAcceptError
from apps.events.places_of_logs import schemas_with_logs
from apps.tenancy.kinds import operator, schema_of


class Command(BaseCommand):
    """Accepts that logs end before their marks; each says so itself, for ever."""

    help = "After a backup was restored: has the event log go on from where it ends now."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Which schema, who says so, and why."""
        parser.add_argument("schema", nargs="?", help="the schema that was restored")
        parser.add_argument(
            "--all", action="store_true", help="every schema whose log was cut back"
        )
        parser.add_argument("--by", required=True, help="who accepts it")
        parser.add_argument("--reason", required=True, help="which backup, and why")

    def handle(self, *args: Any, **options: Any) -> None:
        """A line for each schema; exit code 1 when one was not accepted."""
        if bool(options["schema"]) == options["all"]:
            raise CommandError("Name one schema, or --all.")
        with operator():
            known = schemas_with_logs()
        if options["schema"] and options["schema"] not in known:
            raise CommandError(f"There is no schema {options['schema']} with a log.")
        wanted = known if options["all"] else [options["schema"]]
        refused = [one for one in wanted if not self._is_accepted(one, options)]
        if refused:
            raise CommandError(f"Not accepted: {', '.join(refused)}.")

    def _is_accepted(self, schema: str, options: dict[str, Any]) -> bool:
        actor = Actor("system", label=options["by"])
        try:
            with schema_of(schema):
                event = accept_restored_log(reason=options["reason"], actor=actor)
        except NothingToAcceptError as error:
            self.stdout.write(f"{schema}: {error.message}")
            return bool(options["all"])
        except DomainError as error:
            self.stdout.write(f"{schema}: {error.message}")
            return False
        known, found = event.data["known"]["number"], event.data["found"]["number"]
        self.stdout.write(
            f"{schema}: its mark was at event {known}; it goes on from event {found}."
            f" Event {event.uuid} says so."
        )
        return True
