"""Removing what a lost server that came back has of before."""

from collections.abc import Iterable
from typing import Any

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop, ngettext

from apps.core.languages import grouped
from apps.events.actors import Actor
from apps.fleet.engines import engine_of, fenced, holding
from apps.fleet.leftovers import leftovers_of
from apps.fleet.models import Server
from apps.fleet.permissions import LOSE
from apps.fleet.services.losing import CLEAR, note_cleared
from apps.operations.models import Operation
from apps.operations.pipelines import Pipeline, Run, Step, register
from dotmac.engine import Engine


class _Step(Step):
    """A step on the server; what is gone is gone, and a repeat goes on with the rest."""

    deadline_s = 1800

    def server(self, run: Run) -> Server:
        """Its row, as it is now."""
        return Server.objects.get(uuid=run.operation.subject_id)

    def remove(self, run: Run, kind: str) -> None:
        """Remove all of a kind, and keep how many they were."""
        server = self.server(run)
        with holding(server):
            engine = fenced(engine_of(server), run)
            names = getattr(leftovers_of(server, engine), kind)
            _note(run, kind, names)
            for name in names:
                _remove(engine, kind, name)
                run.log(name)


class RemoveContainers(_Step):
    """What runs goes first."""

    key, title = "containers", gettext_noop("Remove its old containers")

    def run(self, run: Run) -> None:
        """All that belong to instances that were given up."""
        self.remove(run, "containers")


class RemoveNetworks(_Step):
    """Networks, which nothing uses any more."""

    key, title = "networks", gettext_noop("Remove their networks")

    def run(self, run: Run) -> None:
        """All that belong to instances that were given up."""
        self.remove(run, "networks")


class RemoveVolumes(_Step):
    """Volumes, and with them all that the instances kept."""

    key, title = "volumes", gettext_noop("Delete their volumes")

    def run(self, run: Run) -> None:
        """All that belong to instances that were given up."""
        self.remove(run, "volumes")


class Record(_Step):
    """That nothing is left."""

    key, title = "record", gettext_noop("Record that nothing is left")

    def run(self, run: Run) -> None:
        """With the event that tells how much it was."""
        operation, found = run.operation, {k: len(v) for k, v in run.memory.items()}
        actor = Actor(operation.actor_kind, operation.actor_id, operation.actor_label)
        with run.atomic():
            note_cleared(self.server(run), found=found, actor=actor)
        count = sum(found.values())
        text = ngettext("%(count)s thing is removed.", "%(count)s things are removed.", count)
        run.log(text % {"count": grouped(count)})


def _note(run: Run, kind: str, names: Iterable[str]) -> None:
    known = set(run.memory.get(kind, []))
    run.remember(**{kind: sorted(known | set(names))})


def _remove(engine: Engine, kind: str, name: str) -> None:
    remove = {
        "containers": engine.remove_container,
        "networks": engine.remove_network,
        "volumes": engine.remove_volume,
    }
    remove[kind](name)


def _after(operation: Operation) -> dict[str, Any]:
    server = Server.objects.get(uuid=operation.subject_id)
    return {
        "next_url": reverse("admin:fleet_server_lost", args=[server.pk]),
        "next_label": _("Back to the server"),
        "next_text": _("Then it can be activated again, or retired."),
    }


register(
    Pipeline(
        CLEAR,
        gettext_noop("Remove what is left on {subject}"),
        (RemoveContainers, RemoveNetworks, RemoveVolumes, Record),
        after=_after,
        asks=lambda _operation: LOSE,
    )
)
