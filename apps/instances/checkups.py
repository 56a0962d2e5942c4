"""Whether instances, their placements and what runs on the hosts agree."""

from collections.abc import Iterable, Iterator
from uuid import UUID

from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop

from apps.core.health import Finding, check, problem, some, warning
from apps.fleet.engines import engine_of
from apps.fleet.models import Placement, Server
from apps.instances.models import Instance
from apps.tenancy.across import ask_schemas
from apps.tenancy.kinds import CONSOLE
from apps.tenancy.models import Tenant
from dotmac.engine import ContainerInfo, Engine, EngineError, NetworkInfo, VolumeInfo

_LABEL = "dotmac.instance"
_TABLE = ("instances_instance",)
_ALL = "SELECT uuid, name, status FROM {schema}.instances_instance"
_PLACED = {Instance.Status.ACTIVE.value, Instance.Status.STOPPED.value}
_Known = dict[UUID, tuple[str, str, str]]


@check("placements", _("Placements and instances"), runbook="deploy-hangs")
def _placements() -> Iterator[Finding]:
    known = _instances()
    rows = Placement.objects.filter(status__in=Placement.OPEN)
    placed = set(rows.values_list("instance", flat=True))
    lost = sorted(
        f"{name} ({schema})"
        for schema, one, name in rows.values_list("schema", "instance", "instance_name")
        if one not in known
    )
    if lost:
        yield problem(
            gettext_noop("{count} placements reserve room for instances that are gone: {names}."),
            gettext_noop(
                "Look at the page “Placements”. Was the console restored from an older backup?"
                " Restore it anew, or remove what runs there as the runbook says."
            ),
            count=len(lost),
            names=some(lost),
        )
    homeless = sorted(
        f"{name} ({schema})"
        for one, (schema, name, status) in known.items()
        if status in _PLACED and one not in placed
    )
    if homeless:
        yield problem(
            gettext_noop("{count} instances run nowhere by the list of placements: {names}."),
            gettext_noop("Deploy each again from its console; it takes a place anew."),
            count=len(homeless),
            names=some(homeless),
        )


@check("hosts.orphans", _("What runs for nobody"), runbook="removing-an-isp")
def _orphans() -> Iterator[Finding]:
    known = {one.hex for one in _instances()}
    servers = Server.objects.filter(status=Server.Status.ACTIVE).order_by("name")
    for server in servers:
        try:
            found = sorted(_of_others(engine_of(server), known))
        except EngineError as error:
            yield warning(
                gettext_noop("The server {name} could not be asked: {error}"),
                gettext_noop("See that its engine runs; this is asked again tomorrow."),
                name=server.name,
                error=error.message,
            )
            continue
        if found:
            yield warning(
                gettext_noop("On {name}, {count} things belong to no instance: {names}."),
                gettext_noop(
                    "Another platform on the same host may own them. If not, remove them by"
                    " `docker rm`, `docker network rm` and `docker volume rm`."
                ),
                name=server.name,
                count=len(found),
                names=some(found),
            )


def _of_others(engine: Engine, known: Iterable[str]) -> Iterator[str]:
    """Containers, networks and volumes with our label of an instance that no console has."""
    things: Iterable[ContainerInfo | NetworkInfo | VolumeInfo] = (
        *engine.containers({}),
        *engine.networks({}),
        *engine.volumes({}),
    )
    for thing in things:
        owner = thing.labels.get(_LABEL)
        if owner and owner not in known:
            yield thing.name


def _instances() -> _Known:
    consoles = Tenant.objects.filter(kind=CONSOLE, is_local=True)
    names = list(consoles.values_list("schema_name", flat=True))
    found = ask_schemas(names, _TABLE, _ALL)
    return {uuid: (schema, name, status) for schema, uuid, name, status in found}
