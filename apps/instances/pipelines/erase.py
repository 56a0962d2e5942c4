"""Removing an instance for good: address, containers, networks, volumes, places, rows.

Every part carries the instance's label, so nothing depends on what was deployed last. A server
that is lost for good holds nothing up: what may lie on it is kept by name, as not proven erased.
"""

from collections.abc import Iterable, Iterator
from functools import partial
from uuid import UUID

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from apps.events import services as events
from apps.fleet import edge
from apps.fleet import services as fleet
from apps.fleet.engines import engine_of, fenced, holding
from apps.fleet.models import Placement, Server
from apps.instances.constants import ASKED
from apps.instances.losing import unproven_of
from apps.instances.models import Instance
from apps.instances.pipelines.common import actor_of, together
from apps.operations.pipelines import Pipeline, Run, Step, register
from apps.tenants.erasing.services import hasten
from dotmac.engine.base import Engine

NAME = "instances.erase"


class _Step(Step):
    """A step that no undo follows: what is gone is gone, and a repeat goes on."""

    deadline_s = 600

    def engines(self, run: Run) -> Iterator[Engine]:
        """The engine of each server that had a place for it; one that is away is waited for."""
        places = Placement.objects.filter(instance=run.operation.subject_id, server__isnull=False)
        for server in Server.objects.filter(pk__in=places.values("server")).order_by("pk"):
            run.assert_held()
            if server.has_given_up(_uuid(run)):
                continue
            with holding(server):
                yield fenced(engine_of(server), run)

    def note(self, run: Run, kind: str, names: Iterable[str]) -> None:
        """Keep what there was before it goes, once, whoever has to begin again."""
        known, found = set(run.memory.get(kind, [])), set(names)
        if found - known:
            run.remember(**{kind: sorted(known | found)})

    @staticmethod
    def labels(run: Run) -> dict[str, str]:
        """What every part of it carries."""
        return {"dotmac.instance": run.operation.subject_id.replace("-", "")}


class CloseAddress(_Step):
    """Its addresses lead nowhere."""

    key, title = "address", gettext_noop("Close its address")

    def run(self, run: Run) -> None:
        """Remove its routes, and have the edge know it."""
        with run.atomic():
            for route in fleet.routes_of(_uuid(run)):
                fleet.remove_route(route.hostname)
        run.assert_held()
        edge.render()


class EraseContainers(_Step):
    """Containers and networks go, whatever deployment made them."""

    key, title = "containers", gettext_noop("Remove containers and networks")

    def run(self, run: Run) -> None:
        """On every server that it was on."""
        for engine in self.engines(run):
            containers = engine.containers(self.labels(run))
            self.note(run, "containers", (one.name for one in containers))
            together([partial(engine.remove_container, one.name) for one in containers])
            networks = engine.networks(self.labels(run))
            self.note(run, "networks", (one.name for one in networks))
            for network in networks:
                engine.remove_network(network.name)


class EraseVolumes(_Step):
    """Volumes go, and with them all that its apps kept."""

    key, title = "volumes", gettext_noop("Delete its volumes")

    def run(self, run: Run) -> None:
        """On every server that it was on."""
        for engine in self.engines(run):
            volumes = engine.volumes(self.labels(run))
            self.note(run, "volumes", (one.name for one in volumes))
            for volume in volumes:
                engine.remove_volume(volume.name)


class ForgetInstance(_Step):
    """Its places and its row."""

    key, title = "row", gettext_noop("Delete its places and its settings")

    def run(self, run: Run) -> None:
        """In one transaction, with the event that tells of it."""
        with run.atomic():
            self.keep_unproven(run)
            Placement.objects.filter(instance=run.operation.subject_id).delete()
            instance = Instance.objects.filter(uuid=run.operation.subject_id).first()
            if instance is not None:
                events.record("instance.erased", actor=actor_of(run), subject=instance)
                instance.delete()

    @staticmethod
    def keep_unproven(run: Run) -> None:
        """What nobody saw go, while its names can still be told."""
        found = unproven_of(_uuid(run))
        if found:
            run.remember(unproven=found)
            servers = ", ".join(one["server"] for one in found)
            run.log(_("Not proven, since it is lost: %(servers)s") % {"servers": servers})


def _uuid(run: Run) -> UUID:
    return UUID(run.operation.subject_id)


def _settle(run: Run, _status: str) -> None:
    """What waits for it goes on."""
    hasten(run.lease.schema)


register(
    Pipeline(
        NAME,
        gettext_noop("Remove {subject} for good"),
        (CloseAddress, EraseContainers, EraseVolumes, ForgetInstance),
        settle=_settle,
        can_cancel=False,
        asks=lambda _operation: ASKED["archive"],
    )
)
