"""What the steps of several pipelines do alike."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import replace
from typing import Any

from django.utils.translation import gettext as _

from apps.events.actors import Actor
from apps.fleet import edge
from apps.fleet import services as fleet
from apps.fleet.engines import fenced, holding
from apps.instances.models import Instance
from apps.instances.probing import public_status, shows_notice
from apps.instances.stack import Stack
from apps.operations.exceptions import StepError
from apps.operations.pipelines import Run
from apps.operations.pipelines import Step as BaseStep
from dotmac.engine.base import Engine
from dotmac.engine.errors import EngineError
from dotmac.engine.spec import ContainerSpec
from dotmac.telemetry import tracing

_EVERY_S = 0.03
_SPEC = "dotmac.spec"


class Step(BaseStep):
    """A step on an instance's stack."""

    @contextmanager
    def host(self, run: Run, stack: Stack) -> Iterator[Engine]:
        """The engine of the stack's host; an operation whose host is away waits for it."""
        run.assert_held()
        with holding(stack.server):
            try:
                yield fenced(stack.engine, run)
            except EngineError as error:
                error.output = stack.without_secrets(error.output)
                raise


def instance_of(run: Run) -> Instance:
    """The instance that an operation changes, read once a run."""
    if "instance" not in run.cache:
        run.cache["instance"] = Instance.objects.get(uuid=run.operation.subject_id)
    found: Instance = run.cache["instance"]
    return found


def stack_of(run: Run, number: int, release: str) -> Stack:
    """The stack of a deployment, planned once a run."""
    key = f"stack-{number}"
    if key not in run.cache:
        run.cache[key] = Stack(instance_of(run), number, release, run.operation.uuid.hex)
    found: Stack = run.cache[key]
    return found


def together(calls: list[Any]) -> list[Any]:
    """Call all at once and return their results; the first error is raised after all ended."""
    if len(calls) < 2:
        return [call() for call in calls]
    with ThreadPoolExecutor(max_workers=len(calls)) as pool:
        futures = [pool.submit(tracing.carried(call)) for call in calls]
    return [future.result() for future in futures]


def bring_up(engine: Engine, spec: ContainerSpec) -> None:
    """Have a container running; one of the same definition is kept, whatever deployment made it.

    The engine compares labels too, among them the operation's, and would replace a database.
    """
    found = engine.container(spec.name)
    if found is not None and found.labels.get(_SPEC) == spec.labels.get(_SPEC):
        if found.is_running:
            return
        # A worker that died may have left it on some of its networks only: as the same container,
        # it is brought to all of them before it starts.
        kept = {key: found.labels.get(key, value) for key, value in spec.labels.items()}
        spec = replace(spec, labels=kept)
    engine.ensure_container(spec)


def actor_of(run: Run) -> Actor:
    """Who asked for the operation."""
    operation = run.operation
    return Actor(operation.actor_kind, operation.actor_id, operation.actor_label)


def lead_to(run: Run, stack: Stack) -> None:
    """Route the hostname to a stack and wait until the public address answers from it."""
    plan, instance = stack.plan, stack.instance
    found = stack.engine.container(plan.public.container)
    address = found.addresses.get(plan.public.network) if found else None
    if address is None:
        raise StepError(
            _("%(container)s has no address; it has stopped.")
            % {"container": plan.public.container},
            permanent=False,
        )
    upstream = {
        "url": f"http://{address}:{plan.public.port}",
        "weight": 1,
        "container": plan.public.container,
        "network": plan.public.network,
        "port": plan.public.port,
        "mark": _mark(stack),
    }
    set_route(run, instance, upstreams=[upstream])
    wait_public(run, instance, stack)


def set_route(
    run: Run, instance: Instance, *, upstreams: list[dict[str, Any]], notice: str = ""
) -> None:
    """Change where the hostname leads, and have the edge know it."""
    with run.atomic():
        fleet.set_route(
            hostname=instance.hostname,
            schema=run.lease.schema,
            instance=instance.uuid,
            upstreams=upstreams,
            notice=notice,
        )
    run.assert_held()
    edge.render()


def wait_notice(run: Run, instance: Instance) -> None:
    """Let the edge take it up before anything stops; one that is away holds nothing up."""
    with suppress(StepError):
        run.wait_until(
            lambda: shows_notice(instance.hostname), what="The notice", every_s=_EVERY_S, within_s=5
        )


def remove_route(run: Run, instance: Instance) -> None:
    """Let the hostname lead nowhere, and have the edge know it."""
    with run.atomic():
        fleet.remove_route(instance.hostname)
    run.assert_held()
    edge.render()


def wait_public(run: Run, instance: Instance, stack: Stack) -> None:
    """Wait until the public route answers: only then is it true that it works."""
    health = stack.plan.health
    path = health.path if health.endpoint == stack.plan.public else "/"
    accepted = {health.status} if path == health.path else range(200, 400)

    def answers() -> bool:
        return public_status(instance.hostname, path, _mark(stack)) in accepted

    run.wait_until(
        answers,
        what=_("An answer of https://%(hostname)s") % {"hostname": instance.hostname},
        every_s=_EVERY_S,
        within_s=30,
    )


def _mark(stack: Stack) -> str:
    """What tells the answers of this deployment from those of the one before."""
    return f"{stack.instance.uuid.hex[:12]}-{stack.number}"
