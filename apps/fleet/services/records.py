"""Regions, plans and servers as the operator writes them down."""

from collections.abc import Collection
from typing import Any

from django.db import transaction

from apps.events import services as events
from apps.events.actors import Actor, Subject
from apps.events.differences import CHANGED, differences, values_of
from apps.fleet.models import Region, Server, ServerPlan

Record = Region | Server | ServerPlan


@transaction.atomic
def add(row: Record, *, actor: Actor) -> None:
    """Write down a new one."""
    row.save(force_insert=True)
    _record(f"{row._meta.model_name}.added", row, actor, {})


@transaction.atomic
def change(row: Record, fields: Collection[str], *, actor: Actor) -> None:
    """Write only the fields that a person changed: probes write the others meanwhile."""
    if fields:
        rows: Any = type(row)._default_manager
        before = values_of(rows.select_for_update().get(pk=row.pk), fields)
        row.save(update_fields=fields)
        _record(
            f"{row._meta.model_name}.changed",
            row,
            actor,
            differences(before, values_of(row, fields)),
        )


def _record(type: str, row: Record, actor: Actor, changed: dict[str, Any]) -> None:
    about = Subject(str(row._meta.model_name), str(getattr(row, "uuid", row.pk)), str(row))
    events.record(type, actor=actor, subject=about, data={CHANGED: changed} if changed else {})
