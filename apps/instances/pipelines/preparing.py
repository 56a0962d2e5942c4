"""The first five steps of a deployment: all that can be made ready beside what runs."""

from functools import partial
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from apps.fleet import services as fleet
from apps.fleet.engines import holding
from apps.instances.exceptions import InvalidSettingsError
from apps.instances.models import Deployment, Instance
from apps.instances.pipelines.common import (
    Step,
    bring_up,
    instance_of,
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
from apps.instances.sealed import opened, seal
from apps.instances.stack import Stack
from apps.instances.workspace import platform_settings
from apps.operations.pipelines import Run
from dotmac.engine.base import Engine
from dotmac.engine.own import is_own
from dotmac.engine.spec import ContainerSpec
from dotmac.stack import ManifestError, resolve_environment, resources

_MIB = 2**20


class Validate(Step):
    """Quota was checked when the instance was made; here the manifest and the settings."""

    key, title = "validate", gettext_noop("Check the release and its settings")

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
            raise InvalidSettingsError(error.problems) from error
        self._record(run, instance, seal(resolved))
        run.log(
            _("Release %(release)s of %(title)s, settings complete")
            % {"release": run.params["release"], "title": manifest.title}
        )

    @staticmethod
    def _record(run: Run, instance: Instance, sealed: str) -> None:
        number = instance.deployment + 1
        ran_before = instance.deployments.filter(
            status__in=[Deployment.Status.SUCCEEDED, Deployment.Status.RETIRED]
        )
        with run.atomic():
            is_first = not ran_before.exists() or instance.status == Instance.Status.ARCHIVED
            before = instance.status
            instance.move_to(Instance.Status.DEPLOYING)
            Instance.objects.filter(pk=instance.pk).update(sealed=sealed, deployment=number)
            Deployment.objects.create(
                instance=instance,
                number=number,
                release=run.params["release"],
                sealed=sealed,
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
        failed = is_first(run) and run.memory["before"] != Instance.Status.ARCHIVED
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

    key, title = "reserve", gettext_noop("Reserve a place")

    def run(self, run: Run) -> None:
        """Reserve what the manifest asks for; a repeat finds its own reservation."""
        instance, stack = instance_of(run), new_stack(run)
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
        run.log(
            _("%(mib)s MiB of memory on server %(server)s")
            % {"mib": needed.memory_bytes // _MIB, "server": placement.server}
        )

    def undo(self, run: Run) -> None:
        """Give the place back."""
        if "deployment" in run.memory:
            with run.atomic():
                fleet.release(instance_of(run).uuid, run.memory["deployment"])


class Images(Step):
    """Every image on the server."""

    key, title = "image", gettext_noop("Have the images on the server")
    deadline_s = 900

    def run(self, run: Run) -> None:
        """Find each image; a missing one is fetched where a registry has it, but never our own."""
        stack = new_stack(run)
        with self.host(run, stack) as engine:
            for name in sorted({spec.image for spec in stack.plan.containers}):
                found = engine.image(name, pull=not is_own(name))
                run.log(f"{name} ({found.size // _MIB} MiB)")


class Networks(Step):
    """Networks of the instance's own, and its volumes."""

    key, title = "network", gettext_noop("Make networks and volumes")

    def run(self, run: Run) -> None:
        """Make them; a repeat adopts them.

        A full disk shows at the volumes, which leave nothing behind. A network that fails for it
        stays half made in the engine, in the way of the next one, until the engine restarts.
        """
        stack = new_stack(run)
        with self.host(run, stack) as engine:
            together([partial(engine.ensure_volume, spec) for spec in stack.plan.volumes])
            together([partial(engine.ensure_network, spec) for spec in stack.plan.networks])

    def undo(self, run: Run) -> None:
        """Remove what no earlier deployment uses."""
        if not has_place(run) or not is_first(run):
            return
        stack = new_stack(run)
        with self.host(run, stack) as engine:
            if not run.memory["keep_volumes"]:
                for volume in stack.plan.volumes:
                    engine.remove_volume(volume.name)
            for spec in stack.plan.networks:
                engine.remove_network(spec.name)


class Database(Step):
    """What keeps data; on a first deployment, everything."""

    key, title = "database", gettext_noop("Start the database")

    def run(self, run: Run) -> None:
        """Start what is to run, keeping a database whose definition has not changed."""
        stack = new_stack(run)
        together_ = is_first(run) and starts_by_itself(stack)
        wanted = stack.plan.containers if together_ else stack.plan.stateful
        with self.host(run, stack) as engine:
            together([partial(bring_up, engine, spec) for spec in wanted])
        run.log(f"Running: {', '.join(sorted(spec.name for spec in wanted)) or 'nothing to run'}")

    def undo(self, run: Run) -> None:
        """Remove what a first deployment started; have it as the old one defines it otherwise."""
        if not has_place(run):
            return
        stack, old = new_stack(run), old_stack(run)
        kept = old.plan.stateful if old else ()
        new = {s.name for s in stack.plan.containers} - {s.name for s in kept}
        with self.host(run, stack) as engine:
            together([partial(engine.remove_container, name) for name in sorted(new)])
            put_back = partial(bring_up, engine) if was_serving(run) else partial(_stop, engine)
            together([partial(put_back, spec) for spec in kept])


def _stop(engine: Engine, spec: ContainerSpec) -> None:
    engine.stop(spec.name, spec.stop_timeout_s)
