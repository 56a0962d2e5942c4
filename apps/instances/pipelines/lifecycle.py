"""Stopping, starting, suspending, resuming and archiving an instance."""

from functools import partial
from typing import Any

from django.utils.translation import gettext_noop

from apps.events import services as events
from apps.fleet import services as fleet
from apps.instances import services
from apps.instances.constants import ASKED
from apps.instances.models import Deployment, Instance
from apps.instances.pipelines.common import (
    Step,
    actor_of,
    bring_up,
    instance_of,
    lead_to,
    remove_route,
    set_route,
    stack_of,
    together,
    wait_notice,
)
from apps.instances.pipelines.deploy import _after
from apps.instances.pipelines.health import wait_healthy
from apps.instances.stack import Stack
from apps.operations.models import Operation
from apps.operations.pipelines import Pipeline, Run, register

_STATUS = {
    "stop": Instance.Status.STOPPED,
    "start": Instance.Status.ACTIVE,
    "suspend": Instance.Status.SUSPENDED,
    "resume": Instance.Status.ACTIVE,
    "archive": Instance.Status.ARCHIVED,
}
_EVENT = {
    "stop": "instance.stopped",
    "start": "instance.started",
    "suspend": "instance.suspended",
    "resume": "instance.resumed",
    "archive": "instance.archived",
}


def _stack(run: Run) -> Stack | None:
    """The stack that serves; None for a shared workspace and for what never ran."""
    instance = instance_of(run)
    last = instance.deployments.filter(status=Deployment.Status.SUCCEEDED).first()
    if last is None or instance.hosting == Instance.Hosting.SHARED:
        return None
    return stack_of(run, last.number, last.release)


class Notice(Step):
    """Visitors are told before anything stops."""

    key, title = "notice", gettext_noop("Show a notice at its address")

    def run(self, run: Run) -> None:
        """Lead the address to the platform's notice."""
        notice = _STATUS[run.params["what"]].value
        set_route(run, instance_of(run), upstreams=[], notice=notice)
        wait_notice(run, instance_of(run))

    def undo(self, run: Run) -> None:
        """Lead the address back to what runs, or to the notice that was shown before."""
        instance = instance_of(run)
        if instance.status == Instance.Status.ACTIVE:
            _lead_back(run, self)
        elif instance.status == Instance.Status.FAILED:
            remove_route(run, instance)
        else:
            set_route(run, instance, upstreams=[], notice=instance.status)


class StopContainers(Step):
    """The containers end; volumes and networks stay."""

    key, title = "stop", gettext_noop("Stop its containers")

    def run(self, run: Run) -> None:
        """Stop the app first, then what keeps its data."""
        stack = _stack(run)
        if stack is None:
            return
        with self.host(run, stack) as engine:
            for specs in (stack.plan.stateless, stack.plan.stateful):
                together([partial(engine.stop, s.name, s.stop_timeout_s) for s in specs])

    def undo(self, run: Run) -> None:
        """Start them again, where they ran."""
        if instance_of(run).status == Instance.Status.ACTIVE:
            _start(run, self)


class StartContainers(Step):
    """The containers run and answer."""

    key, title = "start", gettext_noop("Start its containers")
    deadline_s = 600

    def run(self, run: Run) -> None:
        """Start the database and the app, and wait for health."""
        _start(run, self)

    def undo(self, run: Run) -> None:
        """Stop them again."""
        StopContainers().run(run)


class LeadBack(Step):
    """The address leads to the app again."""

    key, title = "route", gettext_noop("Open its address")

    def run(self, run: Run) -> None:
        """Route, and wait for the public answer."""
        _lead_back(run, self)

    def undo(self, run: Run) -> None:
        """Show again the notice that was shown before."""
        instance = instance_of(run)
        set_route(run, instance, upstreams=[], notice=instance.status)


class RemoveContainers(Step):
    """Containers and networks go, volumes stay."""

    key, title = "remove", gettext_noop("Remove containers and networks")

    def run(self, run: Run) -> None:
        """Remove all containers of the instance, whatever deployment made them."""
        stack = _stack(run)
        if stack is None:
            return
        with self.host(run, stack) as engine:
            found = engine.containers(stack.labels)
            together([partial(engine.remove_container, c.name) for c in found])
            for network in engine.networks(stack.labels):
                engine.remove_network(network.name)

    def undo(self, run: Run) -> None:
        """Make them again, where they ran."""
        stack = _stack(run)
        if stack is None or instance_of(run).status != Instance.Status.ACTIVE:
            return
        with self.host(run, stack) as engine:
            together([partial(engine.ensure_network, spec) for spec in stack.plan.networks])
        _start(run, self)


class Record(Step):
    """The new status, and the place given back when it is archived."""

    key, title = "record", gettext_noop("Record it")

    def check(self, run: Run) -> bool:
        """Whether it is on record already."""
        return instance_of(run).status == _STATUS[run.params["what"]]

    def run(self, run: Run) -> None:
        """Change the status; an event tells it."""
        instance, what = instance_of(run), run.params["what"]
        with run.atomic():
            instance.move_to(_STATUS[what], reason=run.params.get("reason", ""))
            if what == "archive":
                self._give_back(instance)
            facts = {"reason": run.params.get("reason", "")}
            events.record(_EVENT[what], actor=actor_of(run), subject=instance, data=facts)

    @staticmethod
    def _give_back(instance: Instance) -> None:
        for placement in fleet.open_placements(instance.uuid):
            fleet.release(instance.uuid, placement.deployment)
        instance.deployments.filter(status=Deployment.Status.SUCCEEDED).update(
            status=Deployment.Status.RETIRED
        )


def _start(run: Run, step: Step) -> None:
    stack = _stack(run)
    if stack is None:
        return
    with step.host(run, stack) as engine:
        together([partial(bring_up, engine, spec) for spec in stack.plan.containers])
        wait_healthy(run, engine, stack)


def _lead_back(run: Run, step: Step) -> None:
    stack = _stack(run)
    if stack is None:
        set_route(run, instance_of(run), upstreams=[])
        return
    with step.host(run, stack):
        lead_to(run, stack)


def _after_change(operation: Operation) -> dict[str, Any]:
    facts = _after(operation)
    return {"crumbs": facts["crumbs"], "subtitle": facts["subtitle"]}


def _asked(operation: Operation) -> str:
    return ASKED[operation.params["what"]]


def _fits(operation: Operation) -> None:
    """What is repeated is asked for anew: the instance may have been suspended meanwhile."""
    services.check_change(Instance.objects.get(uuid=operation.subject_id), operation.params["what"])


def _declare(name: str, title: str, *steps: type[Step]) -> None:
    register(Pipeline(name, title, steps, after=_after_change, asks=_asked, fits=_fits))


_declare("instances.stop", gettext_noop("Stop {subject}"), Notice, StopContainers, Record)
_declare("instances.suspend", gettext_noop("Suspend {subject}"), Notice, StopContainers, Record)
_declare("instances.start", gettext_noop("Start {subject}"), StartContainers, LeadBack, Record)
_declare("instances.archive", gettext_noop("Archive {subject}"), Notice, RemoveContainers, Record)
