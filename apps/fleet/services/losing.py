"""Servers that are lost for good: given up with what lay on them, and cleared if they return."""

from collections import defaultdict
from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from apps.core.exceptions import ConflictError
from apps.events import services as events
from apps.events.actors import Actor
from apps.fleet.models import Placement, Route, Server, id_start
from apps.fleet.registry import give_up
from apps.fleet.services.routes import set_route
from apps.fleet.services.servers import hasten_waiting
from apps.operations import services as operations
from apps.operations.models import Operation
from apps.tenancy.kinds import schema_exists, schema_of

CLEAR = "fleet.clear"
LONGEST_REASON = 200
_NOTICE = "stopped"


def declare_lost(server: Server, *, reason: str, actor: Actor) -> int:
    """Give a server up for good, and what runs on it; returns how many instances that were.

    Nothing leads there any more and what waits for it goes on. ConflictError unless it is
    unreachable: of one that answers everything can be removed and seen to be gone.
    """
    with transaction.atomic():
        count = _give_up(server, reason.strip()[:LONGEST_REASON], actor)
    hasten_waiting(server)
    return count


@transaction.atomic
def remove_leftovers(server: Server, *, actor: Actor) -> Operation:
    """Begin to remove what a lost server still has of before; ConflictError where it is not back.

    BusyError while that goes on.
    """
    row = Server.objects.select_for_update().get(pk=server.pk)
    if not row.is_back:
        raise ConflictError(
            _("Server %(server)s is not lost, or does not answer.") % {"server": row}
        )
    if not row.given_up:
        raise ConflictError(_("Nothing of before is left on server %(server)s.") % {"server": row})
    return operations.start(CLEAR, subject=row, actor=actor)


def note_cleared(server: Server, *, found: dict[str, int], actor: Actor) -> None:
    """Record that nothing of before is left on it; in the transaction of who saw to that."""
    if Server.objects.filter(pk=server.pk).exclude(given_up=[]).update(given_up=[]):
        events.record("server.cleared", actor=actor, subject=server, data=found)


def _give_up(server: Server, reason: str, actor: Actor) -> int:
    now = timezone.now()
    unreachable = Server.objects.filter(pk=server.pk, status=Server.Status.UNREACHABLE)
    values = {"status": Server.Status.LOST, "lost_at": now, "lost_reason": reason}
    if not unreachable.update(**values):
        raise ConflictError(
            _("Server %(server)s is not unreachable, so it is not given up.") % {"server": server}
        )
    placed = _release(server, now)
    # Of those that left it before, volumes may lie there.
    all_ids = set(server.placements.order_by().values_list("instance", flat=True))
    starts = sorted(id_start(instance) for instance in all_ids)
    Server.objects.filter(pk=server.pk).update(given_up=starts)
    for schema, instances in placed.items():
        _lead_nowhere(instances)
        if schema_exists(schema):
            with schema_of(schema):
                give_up(server, instances)
    count = sum(len(instances) for instances in placed.values())
    data = {"reason": reason, "instances": count}
    events.record("server.lost", actor=actor, subject=server, data=data)
    server.refresh_from_db()
    return count


def _release(server: Server, now: datetime) -> dict[str, set[UUID]]:
    """Give its places back; whose they were, by schema."""
    rows = server.placements.filter(status__in=Placement.OPEN)
    found: dict[str, set[UUID]] = defaultdict(set)
    for schema, instance in rows.order_by().values_list("schema", "instance"):
        found[schema].add(instance)
    rows.update(status=Placement.Status.RELEASED, released_at=now)
    return found


def _lead_nowhere(instances: Collection[UUID]) -> None:
    """Their addresses tell that they are stopped, also should the server come back."""
    for route in Route.objects.filter(instance__in=instances):
        set_route(
            hostname=route.hostname,
            schema=route.schema,
            instance=route.instance,
            upstreams=[],
            notice=_NOTICE,
        )
