"""Regions, plans and servers as the operator writes them down."""

from collections.abc import Collection

from django.db import transaction

from apps.events import services as events
from apps.events.actors import Actor, Subject
from apps.fleet.models import Region, Server, ServerPlan

Record = Region | Server | ServerPlan


@transaction.atomic
def add(row: Record, *, actor: Actor) -> None:
    """Write down a new one."""
    row.save(force_insert=True)
    _record(row, "added", actor, [])


@transaction.atomic
def change(row: Record, fields: Collection[str], *, actor: Actor) -> None:
    """Write only the fields that a person changed: probes write the others meanwhile."""
    if fields:
        row.save(update_fields=fields)
        _record(row, "changed", actor, sorted(fields))


def _record(row: Record, what: str, actor: Actor, fields: list[str]) -> None:
    kind = str(row._meta.model_name)
    about = Subject(kind, str(getattr(row, "uuid", row.pk)), str(row))
    events.record(f"{kind}.{what}", actor=actor, subject=about, data={"fields": fields})
