"""Regions, plans and servers as the operator writes them down."""

from collections.abc import Collection, Mapping
from typing import Any

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from apps.core.exceptions import ConflictError
from apps.events import services as events
from apps.events.actors import Actor, Subject
from apps.events.differences import CHANGED, differences, values_of
from apps.fleet.models import Placement, Region, Server, ServerPlan

Record = Region | Server | ServerPlan


@transaction.atomic
def add(row: Record, *, actor: Actor) -> None:
    """Write down a new one; ConflictError where its name or code is taken."""
    _save(row, force_insert=True)
    _record(f"{row._meta.model_name}.added", row, actor, {})


@transaction.atomic
def change(row: Record, fields: Collection[str], *, actor: Actor) -> None:
    """Write only the fields that a person changed: probes write the others meanwhile."""
    if fields:
        rows: Any = type(row)._default_manager
        before = values_of(rows.select_for_update().get(pk=row.pk), fields)
        _save(row, update_fields=fields)
        _record(
            f"{row._meta.model_name}.changed",
            row,
            actor,
            differences(before, values_of(row, fields)),
        )


@transaction.atomic
def change_to(row: Record, values: Mapping[str, Any], *, actor: Actor) -> None:
    """Write what differs of some values; ConflictError where networks keep a server's addresses."""
    changed = {name for name, value in values.items() if getattr(row, name) != value}
    if isinstance(row, Server) and "address_prefix" in changed:
        # Whoever reserves here waits, and finds the new addresses.
        held = Server.objects.select_for_update().get(pk=row.pk)
        if held.placements.filter(status__in=Placement.OPEN).exists():
            raise ConflictError(
                _("Networks on server %(server)s keep their addresses.") % {"server": held},
                field="address_prefix",
            )
    for name in changed:
        setattr(row, name, values[name])
    change(row, sorted(changed), actor=actor)


def _save(row: Record, **how: Any) -> None:
    """Another one may have got the name or code since it was looked at."""
    try:
        with transaction.atomic():
            row.save(**how)
    except IntegrityError as error:
        raise ConflictError(_("“%(row)s” is taken by another one.") % {"row": row}) from error


def _record(type: str, row: Record, actor: Actor, changed: dict[str, Any]) -> None:
    about = Subject(str(row._meta.model_name), str(getattr(row, "uuid", row.pk)), str(row))
    events.record(type, actor=actor, subject=about, data={CHANGED: changed} if changed else {})
