"""Instances whose server is lost for good, and what of them nobody can see removed."""

from collections.abc import Collection, Iterator
from typing import Any
from uuid import UUID

import structlog
from django.utils.translation import gettext as _

from apps.core.exceptions import DomainError
from apps.events import services as events
from apps.events.actors import Actor
from apps.fleet.models import Placement, Server, id_start
from apps.fleet.services import open_placements
from apps.instances.constants import WORKSPACE_APP
from apps.instances.models import Deployment, Instance
from apps.instances.stack import Stack
from dotmac.crypto.fields import CipherError
from dotmac.stack import ManifestError

log = structlog.get_logger(__name__)
_PLATFORM = Actor("platform", label="DotMac")


def give_up_instances(server: Server, instances: Collection[UUID]) -> None:
    """They have failed, with what they kept; each can be deployed anew, archived or removed."""
    reason = _("Its server %(server)s is lost, with all that it kept there.") % {"server": server}
    rows = Instance.objects.filter(uuid__in=instances).exclude(status=Instance.Status.ARCHIVED)
    for instance in rows:
        succeeded = instance.deployments.filter(status=Deployment.Status.SUCCEEDED)
        succeeded.update(status=Deployment.Status.RETIRED)
        instance.move_to(Instance.Status.FAILED, reason=reason)
        data = {"server": str(server)}
        events.record("instance.lost", actor=_PLATFORM, subject=instance, data=data)


def is_workspace_lost() -> bool:
    """Whether the console's workspace went with its server, and was not deployed anew since."""
    workspace = Instance.objects.filter(app=WORKSPACE_APP).first()
    if workspace is None or open_placements(workspace.uuid).exists():
        return False
    servers = Server.objects.filter(placements__instance=workspace.uuid).distinct()
    return any(server.has_given_up(workspace.uuid) for server in servers)


def unproven_of(instance: UUID) -> list[dict[str, Any]]:
    """What may lie of it on servers that are lost, by server, as a certificate says it."""
    places = Placement.objects.filter(instance=instance, server__isnull=False)
    servers = Server.objects.filter(pk__in=places.values("server")).order_by("name")
    return [
        _unproven(server, list(places.filter(server=server)), instance)
        for server in servers
        if server.has_given_up(instance)
    ]


def _unproven(server: Server, places: list[Placement], instance: UUID) -> dict[str, Any]:
    assert server.lost_at is not None  # as it has given something up
    containers, volumes = set[str](), set[str]()
    for stack in _stacks(places, instance):
        volumes |= {one.name for one in stack.plan.volumes}
        released = stack.placement.released_at
        # Those of earlier deployments were seen to go.
        if released is not None and released >= server.lost_at:
            containers |= {one.name for one in stack.plan.containers}
    return {
        "server": server.name,
        "lost_at": server.lost_at.isoformat(),
        "reason": server.lost_reason,
        "containers": sorted(containers),
        # Where no plan tells their names any more, how they begin.
        "volumes": sorted(volumes) or [f"dm-{id_start(instance)}-*"],
    }


def _stacks(places: list[Placement], instance: UUID) -> Iterator[Stack]:
    """The stack of each place, where its release and its settings can still be read."""
    row = Instance.objects.get(uuid=instance)
    for place in places:
        deployment = row.deployments.filter(number=place.deployment).first()
        if deployment is not None:
            stack = Stack(row, place.deployment, deployment.release, "")
            stack.placement = place
            if _is_planned(stack):
                yield stack


def _is_planned(stack: Stack) -> bool:
    try:
        return bool(stack.plan.containers)
    except (DomainError, ManifestError, CipherError) as error:
        log.warning("stack_unknown", instance=str(stack.instance.uuid), error=str(error))
        return False
