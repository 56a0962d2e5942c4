"""Deploying an instance, in ten steps.

On a first deployment the database step starts everything at once, and the later steps adopt what
runs; on a later one the old deployment keeps serving until the new one answers.
"""

from functools import partial
from typing import Any

from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from apps.accounts.addresses import host_url
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
    together,
)
from apps.instances.pipelines.deployment import (
    has_place,
    is_first,
    new_stack,
    old_stack,
    starts_by_itself,
    was_serving,
)
from apps.instances.pipelines.health import wait_healthy
from apps.instances.pipelines.preparing import (
    Database,
    Images,
    Networks,
    Reserve,
    Validate,
)
from apps.instances.stack import Stack
from apps.operations.exceptions import StepError
from apps.operations.models import Operation
from apps.operations.pipelines import Pipeline, Run, register, title_of

# For what an unrecorded deployment left behind.
_STOP_TIMEOUT_S = 10


class ReleaseCommand(Step):
    """Migrations and the like, before the new release starts."""

    key, title = "release", gettext_noop("Prepare the data for the release")
    deadline_s = 1800

    def run(self, run: Run) -> None:
        """Run the release command once, unless its probe says that nothing is to do."""
        stack = new_stack(run)
        plan = stack.plan
        if plan.release is None or (is_first(run) and starts_by_itself(stack)):
            run.log(_("Nothing to prepare"))
            return
        with self.host(run, stack) as engine:
            if plan.release_probe and engine.run(plan.release_probe, 120).exit_code == 0:
                run.log(_("The data are as the release needs them"))
                return
            result = engine.run(plan.release, run.remaining_s())
            output = stack.without_secrets(result.output)
            if result.exit_code != 0:
                raise StepError(
                    _(
                        "The release command failed with exit code %(exit_code)s%(error)s. Its "
                        "output is in the log."
                    )
                    % {
                        "exit_code": result.exit_code,
                        "error": ": " + result.error if result.error else "",
                    },
                    detail=output,
                )
            run.log(output.strip()[-2000:] or _("Done"), level="output")

    def undo(self, run: Run) -> None:
        """Remove what a dead worker left running; what it did to the data stays."""
        if not has_place(run):
            return
        stack = new_stack(run)
        with self.host(run, stack) as engine:
            for spec in (stack.plan.release_probe, stack.plan.release):
                if spec is not None:
                    engine.remove_container(spec.name)


class Start(Step):
    """The new release, beside the old one."""

    key, title = "start", gettext_noop("Start the new release")

    def run(self, run: Run) -> None:
        """Start its containers; what the first deployment has started already is adopted."""
        stack = new_stack(run)
        with self.host(run, stack) as engine:
            together([partial(bring_up, engine, spec) for spec in stack.plan.stateless])

    def undo(self, run: Run) -> None:
        """Remove the new containers; the old ones never stopped."""
        if has_place(run):
            stack = new_stack(run)
            with self.host(run, stack) as engine:
                for spec in stack.plan.stateless:
                    engine.remove_container(spec.name)


class Health(Step):
    """The app answers by itself."""

    key, title = "health", gettext_noop("Wait until it is healthy")
    deadline_s = 600

    def run(self, run: Run) -> None:
        """Ask it directly on its network."""
        stack = new_stack(run)
        with self.host(run, stack) as engine:
            wait_healthy(run, engine, stack)


class Switch(Step):
    """The public address leads to the new release."""

    key, title = "route", gettext_noop("Switch the public address")

    def run(self, run: Run) -> None:
        """Route, and wait for the answer of the public address."""
        stack = new_stack(run)
        with self.host(run, stack):
            lead_to(run, stack)
        run.log(f"{host_url(stack.instance.hostname, is_workspace=True)} answers")

    def undo(self, run: Run) -> None:
        """Lead back to what served before, or nowhere."""
        if not has_place(run):
            return
        instance, old, before = instance_of(run), old_stack(run), run.memory["before"]
        if before in (Instance.Status.STOPPED, Instance.Status.ARCHIVED):
            set_route(run, instance, upstreams=[], notice=before)
        elif old:
            with self.host(run, old):
                lead_to(run, old)
        else:
            remove_route(run, instance)


class Retire(Step):
    """The old release goes, the new one is on record."""

    key, title = "retire", gettext_noop("Retire the old release and record the new one")

    def run(self, run: Run) -> None:
        """Remove containers of earlier deployments, give their places back, record."""
        instance, stack = instance_of(run), new_stack(run)
        wanted = {spec.name for spec in stack.plan.containers}
        if not is_first(run):
            with self.host(run, stack) as engine:
                old = [c for c in engine.containers(stack.labels) if c.name not in wanted]
                for container in old:
                    # It ends what it has begun: a request may take longer than the switch.
                    engine.stop(container.name, _stop_timeout_s(run, container.name))
                    engine.remove_container(container.name)
                    run.log(f"Removed {container.name}")
        with run.atomic():
            self._record(run, instance, stack)

    def check(self, run: Run) -> bool:
        """Whether it is on record, which is the last thing done."""
        rows = instance_of(run).deployments.filter(number=run.memory["deployment"])
        return rows.filter(status=Deployment.Status.SUCCEEDED).exists()

    def undo(self, run: Run) -> None:
        """Have the old release running again, before the address leads back to it."""
        old = old_stack(run)
        if old is None or not was_serving(run):
            return
        with self.host(run, old) as engine:
            together([partial(bring_up, engine, spec) for spec in old.plan.stateless])
            wait_healthy(run, engine, old)

    @staticmethod
    def _record(run: Run, instance: Instance, stack: Stack) -> None:
        for placement in fleet.open_placements(instance.uuid):
            if placement.deployment != stack.number:
                fleet.release(instance.uuid, placement.deployment)
        fleet.activate(instance.uuid, stack.number)
        earlier = instance.deployments.exclude(number=stack.number)
        earlier.filter(status=Deployment.Status.SUCCEEDED).update(status=Deployment.Status.RETIRED)
        instance.deployments.filter(number=stack.number).update(
            status=Deployment.Status.SUCCEEDED, finished_at=timezone.now()
        )
        Instance.objects.filter(pk=instance.pk).update(release=stack.release)
        instance.move_to(Instance.Status.ACTIVE)
        facts = {"release": stack.release, "deployment": stack.number, "hosting": "dedicated"}
        events.record("instance.deployed", actor=actor_of(run), subject=instance, data=facts)


def _stop_timeout_s(run: Run, container: str) -> int:
    """How long a container of an earlier deployment may take to end."""
    old = old_stack(run)
    known = {spec.name: spec.stop_timeout_s for spec in old.plan.containers} if old else {}
    return known.get(container, _STOP_TIMEOUT_S)


def _after(operation: Operation) -> dict[str, Any]:
    instance = Instance.objects.get(uuid=operation.subject_id)
    return {
        "next_url": reverse("open_instance", args=[instance.uuid]),
        "next_label": _("Open %(name)s") % {"name": instance.name},
        "next_text": _("When all steps are done, your workspace is at its address."),
        "done_text": _("%(hostname)s answers. You are signed in there too.")
        % {"hostname": instance.hostname},
        "subtitle": instance.hostname,
        "crumbs": [
            {"title": _("Console"), "url": reverse("admin:index")},
            {
                "title": instance.name,
                "url": reverse("admin:instances_instance_change", args=[instance.pk]),
            },
            {"title": title_of(operation), "url": ""},
        ],
    }


def _fits(operation: Operation) -> None:
    services.check_deploy(Instance.objects.get(uuid=operation.subject_id))


register(
    Pipeline(
        "instances.deploy",
        gettext_noop("Deploy {subject}"),
        (
            Validate,
            Reserve,
            Images,
            Networks,
            Database,
            ReleaseCommand,
            Start,
            Health,
            Switch,
            Retire,
        ),
        after=_after,
        asks=lambda _operation: ASKED["deploy"],
        fits=_fits,
    )
)
