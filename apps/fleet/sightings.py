"""What runs of the placements on a server, and at which addresses: read again, and corrected."""

import re
from collections.abc import Collection, Iterable
from typing import Any
from uuid import UUID

import structlog
from django.utils import timezone

from apps.fleet.engines import engine_of
from apps.fleet.models import Placement, PlacementStatus, Route, Server
from apps.fleet.services.routes import correct_upstreams
from dotmac.engine import ContainerInfo

log = structlog.get_logger(__name__)
INSTANCE, DEPLOYMENT, SERVICE = "dotmac.instance", "dotmac.deployment", "dotmac.service"
# Reading so many instances one by one costs as much as reading the whole host.
_FEW = 5
_ONE_OFFS = ("release", "release-probe")
_NUMBERED = re.compile(r"-(\d+)\Z")


def refresh(server: Server, instances: Collection[UUID] | None = None) -> int:
    """Read a server's containers, of some instances or all; returns how many routes it corrected.

    EngineError when the server does not answer.
    """
    open_here = Placement.objects.filter(server=server, status__in=Placement.OPEN)
    if instances is not None:
        open_here = open_here.filter(instance__in=instances)
    placements = list(open_here)
    wanted = {placement.instance for placement in placements}
    if not wanted:
        return 0
    containers = _containers(server, wanted)
    _write_status(placements, containers)
    return _correct_routes(containers)


def _containers(server: Server, instances: set[UUID]) -> dict[UUID, list[ContainerInfo]]:
    engine = engine_of(server)
    found: dict[UUID, list[ContainerInfo]] = {instance: [] for instance in instances}
    if len(instances) <= _FEW:
        for instance in instances:
            found[instance] = list(engine.containers({INSTANCE: instance.hex}))
        return found
    by_hex = {instance.hex: instance for instance in instances}
    for container in engine.containers({}):
        owner = by_hex.get(container.labels.get(INSTANCE, ""))
        if owner is not None:
            found[owner].append(container)
    return found


def _write_status(
    placements: Iterable[Placement], containers: dict[UUID, list[ContainerInfo]]
) -> None:
    rows = [_status(one, _of_deployment(one, containers[one.instance])) for one in placements]
    PlacementStatus.objects.bulk_create(
        rows,
        update_conflicts=True,
        unique_fields=["placement"],
        update_fields=["state", "addresses", "detail", "seen_at"],
    )


def _of_deployment(placement: Placement, containers: list[ContainerInfo]) -> list[ContainerInfo]:
    """The containers that a deployment runs on: its own, and those that deployments share."""
    return [
        one
        for one in containers
        if one.labels.get(SERVICE) not in _ONE_OFFS
        and _number(one) in (None, str(placement.deployment))
    ]


def _number(container: ContainerInfo) -> str | None:
    """The deployment in a container's name; stateful ones outlive deployments and have none."""
    found = _NUMBERED.search(container.name)
    return found[1] if found else None


def _status(placement: Placement, containers: list[ContainerInfo]) -> PlacementStatus:
    ended = [one for one in containers if not one.is_running]
    running = len(containers) - len(ended)
    state = "running" if running else "stopped"
    if not containers:
        state = "missing"
    elif running and ended:
        state = "degraded"
    return PlacementStatus(
        placement=placement,
        state=state,
        addresses={one.name: dict(one.addresses) for one in containers if one.is_running},
        detail=", ".join(f"{one.name} {one.state}" for one in ended)[:300],
        seen_at=timezone.now(),
    )


def _correct_routes(containers: dict[UUID, list[ContainerInfo]]) -> int:
    corrected = 0
    for route in Route.objects.filter(instance__in=containers):
        own = containers.get(route.instance, []) if route.instance else []
        running = {one.name: one for one in own if one.is_running}
        upstreams = [_at_address(one, running) for one in route.upstreams]
        if upstreams != route.upstreams and correct_upstreams(route, upstreams):
            log.info("route_corrected", hostname=route.hostname)
            corrected += 1
    return corrected


def _at_address(upstream: dict[str, Any], running: dict[str, ContainerInfo]) -> dict[str, Any]:
    """The upstream with the address that its container has now; unchanged while it has none."""
    container = running.get(upstream.get("container", ""))
    address = container.addresses.get(upstream["network"]) if container else None
    return {**upstream, "url": f"http://{address}:{upstream['port']}"} if address else upstream
