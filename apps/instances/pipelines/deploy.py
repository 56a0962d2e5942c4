"""Deploying an instance, in ten steps.

On a first deployment the database step starts everything at once, and the later steps adopt what
runs; on a later one the old deployment keeps serving until the new one answers.
"""

from functools import partial
from typing import Any

from django.urls import reverse
from django.utils import timezone

from apps.accounts.addresses import host_url
from apps.events import services as events
from apps.fleet import edge
from apps.fleet import services as fleet
from apps.fleet.engines import holding
from apps.instances.exceptions import InvalidSettingsError
from apps.instances.models import Deployment, Instance
from apps.instances.pipelines.common import (
    Step,
    actor_of,
    bring_up,
    instance_of,
    lead_to,
    set_route,
    stack_of,
    together,
    wait_healthy,
)
from apps.instances.sealed import opened, seal
from apps.instances.stack import Stack
from apps.instances.workspace import platform_settings
from apps.operations.exceptions import StepError
from apps.operations.models import Operation
from apps.operations.pipelines import Pipeline, Run, register
from dotmac.stack import ManifestError, resolve_environment, resources

_MIB = 2**20


def _stack(run: Run) -> Stack:
    return stack_of(run, run.memory["deployment"], run.params["release"])


def _is_first(run: Run) -> bool:
    return bool(run.memory["first"])


class Validate(Step):
    """Quota was checked when the instance was made; here the manifest and the settings."""

    key, title = "validate", "Check the release and its settings"

    def run(self, run: Run) -> None:
        """Number the deployment and keep its generated secrets."""
        if "deployment" in run.memory:
            return
        instance = instance_of(run)
        manifest = Stack(instance, 0, run.params["release"], "").manifest
        kept = opened(instance)
        given = {**instance.environment, **platform_settings(instance, kept)}
        try:
            resolved = resolve_environment(manifest, given, kept=kept)
        except ManifestError as error:
            raise InvalidSettingsError(str(error)) from error
        self._record(run, instance, resolved)
        run.log(f"Release {run.params['release']} of {manifest.title}, settings complete")

    @staticmethod
    def _record(run: Run, instance: Instance, resolved: dict[str, str]) -> None:
        number = instance.deployment + 1
        ran_before = instance.deployments.filter(
            status__in=[Deployment.Status.SUCCEEDED, Deployment.Status.RETIRED]
        )
        with run.atomic():
            is_first = not ran_before.exists() or instance.status == Instance.Status.ARCHIVED
            before = instance.status
            instance.move_to(Instance.Status.DEPLOYING)
            Instance.objects.filter(pk=instance.pk).update(sealed=seal(resolved), deployment=number)
            Deployment.objects.create(
                instance=instance,
                number=number,
                release=run.params["release"],
                operation=run.operation.uuid,
            )
            run.remember(
                deployment=number,
                first=is_first,
                before=before,
                keep_volumes=ran_before.exists(),
                old=_serving(instance),
            )
        instance.refresh_from_db()

    def undo(self, run: Run) -> None:
        """The old status again; a first deployment has failed."""
        if "deployment" not in run.memory:
            return
        instance = instance_of(run)
        failed = _is_first(run) and run.memory["before"] != Instance.Status.ARCHIVED
        back_to = Instance.Status.FAILED if failed else run.memory["before"]
        with run.atomic():
            instance.deployments.filter(number=run.memory["deployment"]).update(
                status=Deployment.Status.FAILED, finished_at=timezone.now()
            )
            Instance.objects.filter(pk=instance.pk, status=Instance.Status.DEPLOYING).update(
                status=back_to, status_reason=run.operation.cause[:300]
            )


def _serving(instance: Instance) -> dict[str, Any] | None:
    last = instance.deployments.filter(status=Deployment.Status.SUCCEEDED).first()
    return {"number": last.number, "release": last.release} if last else None


class Reserve(Step):
    """A place on a server of the region."""

    key, title = "reserve", "Reserve a place"

    def run(self, run: Run) -> None:
        """Reserve what the manifest asks for; a repeat finds its own reservation."""
        instance, stack = instance_of(run), _stack(run)
        needed = resources(stack.manifest)
        with holding(), run.atomic():
            placement = fleet.reserve(
                instance=instance.uuid,
                instance_name=instance.name,
                schema=run.lease.schema,
                deployment=stack.number,
                region=instance.region,
                cpu_millis=needed.nano_cpus // 1_000_000,
                memory_mb=needed.memory_bytes // _MIB,
                disk_mb=needed.disk_bytes // _MIB,
                operation=run.operation.uuid,
            )
        run.log(f"{needed.memory_bytes // _MIB} MiB of memory on server {placement.server}")

    def undo(self, run: Run) -> None:
        """Give the place back."""
        if "deployment" in run.memory:
            with run.atomic():
                fleet.release(instance_of(run).uuid, run.memory["deployment"])


class Images(Step):
    """Every image on the server."""

    key, title = "image", "Have the images on the server"
    deadline_s = 900

    def run(self, run: Run) -> None:
        """Find each image; a missing one is fetched where a registry has it."""
        stack = _stack(run)
        with self.host(run, stack) as engine:
            for name in sorted({spec.image for spec in stack.plan.containers}):
                found = engine.image(name, pull=True)
                run.log(f"{name} ({found.size // _MIB} MiB)")


class Networks(Step):
    """Networks of the instance's own, and its volumes."""

    key, title = "network", "Make networks and volumes"

    def run(self, run: Run) -> None:
        """Make them all at once; a repeat adopts them."""
        stack = _stack(run)
        with self.host(run, stack) as engine:
            nets = [partial(engine.ensure_network, spec) for spec in stack.plan.networks]
            volumes = [partial(engine.ensure_volume, spec) for spec in stack.plan.volumes]
            together([*nets, *volumes])

    def undo(self, run: Run) -> None:
        """Remove what no earlier deployment uses."""
        if not _has_place(run) or not _is_first(run):
            return
        stack = _stack(run)
        with self.host(run, stack) as engine:
            for spec in stack.plan.networks:
                engine.remove_network(spec.name)
            if not run.memory["keep_volumes"]:
                for volume in stack.plan.volumes:
                    engine.remove_volume(volume.name)


def _has_place(run: Run) -> bool:
    """Whether the reservation was made, without which there is nothing on any server."""
    if "deployment" not in run.memory:
        return False
    rows = fleet.open_placements(instance_of(run).uuid)
    return rows.filter(deployment=run.memory["deployment"]).exists()


class Database(Step):
    """What keeps data; on a first deployment, everything."""

    key, title = "database", "Start the database"

    def run(self, run: Run) -> None:
        """Start what is to run, keeping a database whose definition has not changed."""
        stack = _stack(run)
        together_ = _is_first(run) and _starts_by_itself(stack)
        wanted = stack.plan.containers if together_ else stack.plan.stateful
        with self.host(run, stack) as engine:
            together([partial(bring_up, engine, spec) for spec in wanted])
        run.log(f"Running: {', '.join(sorted(spec.name for spec in wanted)) or 'nothing to run'}")

    def undo(self, run: Run) -> None:
        """Remove the containers of a first deployment; volumes go with the networks' step."""
        if _has_place(run) and _is_first(run):
            stack = _stack(run)
            with self.host(run, stack) as engine:
                together([partial(engine.remove_container, s.name) for s in stack.plan.containers])


def _starts_by_itself(stack: Stack) -> bool:
    release = stack.manifest.release
    return release is None or release.at_start


class ReleaseCommand(Step):
    """Migrations and the like, before the new release starts."""

    key, title = "release", "Prepare the data for the release"
    deadline_s = 1800

    def run(self, run: Run) -> None:
        """Run the release command once, unless its probe says that nothing is to do."""
        stack = _stack(run)
        plan = stack.plan
        if plan.release is None or (_is_first(run) and _starts_by_itself(stack)):
            run.log("Nothing to prepare")
            return
        with self.host(run, stack) as engine:
            if plan.release_probe and engine.run(plan.release_probe, 120).exit_code == 0:
                run.log("The data are as the release needs them")
                return
            result = engine.run(plan.release, self.deadline_s)
            if result.exit_code != 0:
                raise StepError(
                    f"The release command failed with exit code {result.exit_code}"
                    f"{': ' + result.error if result.error else ''}. Its output is in the log.",
                    detail=result.output,
                )
            run.log(result.output.strip()[-2000:] or "Done", level="output")


class Start(Step):
    """The new release, beside the old one."""

    key, title = "start", "Start the new release"

    def run(self, run: Run) -> None:
        """Start its containers; what the first deployment has started already is adopted."""
        stack = _stack(run)
        with self.host(run, stack) as engine:
            together([partial(bring_up, engine, spec) for spec in stack.plan.stateless])

    def undo(self, run: Run) -> None:
        """Remove the new containers; the old ones never stopped."""
        if _has_place(run):
            stack = _stack(run)
            with self.host(run, stack) as engine:
                for spec in stack.plan.stateless:
                    engine.remove_container(spec.name)


class Health(Step):
    """The app answers by itself."""

    key, title = "health", "Wait until it is healthy"
    deadline_s = 600

    def run(self, run: Run) -> None:
        """Ask it directly on its network."""
        stack = _stack(run)
        with self.host(run, stack) as engine:
            wait_healthy(run, engine, stack.plan.health)


class Switch(Step):
    """The public address leads to the new release."""

    key, title = "route", "Switch the public address"

    def run(self, run: Run) -> None:
        """Route, and wait for the answer of the public address."""
        stack = _stack(run)
        with self.host(run, stack):
            lead_to(run, stack)
        run.log(f"{host_url(stack.instance.hostname, is_workspace=True)} answers")

    def undo(self, run: Run) -> None:
        """Lead back to what served before, or nowhere."""
        if not _has_place(run):
            return
        instance, old = instance_of(run), run.memory["old"]
        if run.memory["before"] == Instance.Status.ARCHIVED:
            set_route(run, instance, upstreams=[], notice="archived")
        elif old and not _is_first(run):
            stack = stack_of(run, old["number"], old["release"])
            with self.host(run, stack):
                lead_to(run, stack)
        else:
            with run.atomic():
                fleet.remove_route(instance.hostname)
            edge.render()


class Retire(Step):
    """The old release goes, the new one is on record."""

    key, title = "retire", "Retire the old release and record the new one"

    def run(self, run: Run) -> None:
        """Remove containers of earlier deployments, give their places back, record."""
        instance, stack = instance_of(run), _stack(run)
        wanted = {spec.name for spec in stack.plan.containers}
        if not _is_first(run):
            with self.host(run, stack) as engine:
                old = [c for c in engine.containers(stack.labels) if c.name not in wanted]
                for container in old:
                    engine.remove_container(container.name)
                    run.log(f"Removed {container.name}")
        with run.atomic():
            self._record(run, instance, stack)

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


def _after(operation: Operation) -> dict[str, Any]:
    instance = Instance.objects.get(uuid=operation.subject_id)
    return {
        "next_url": reverse("open_instance", args=[instance.uuid]),
        "next_label": f"Open {instance.name}",
        "next_text": f"{instance.hostname} answers. You are signed in there too.",
        "subtitle": instance.hostname,
        "crumbs": [
            {"title": "Console", "url": reverse("admin:index")},
            {
                "title": instance.name,
                "url": reverse("admin:instances_instance_change", args=[instance.pk]),
            },
            {"title": operation.title, "url": ""},
        ],
    }


register(
    Pipeline(
        "instances.deploy",
        "Deploy {subject}",
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
    )
)
