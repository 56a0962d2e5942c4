"""Deployments of a dedicated workspace, one and twenty, against a bare script."""

import time
from uuid import uuid4

from apps.accounts.services import create_user
from apps.billing import services as billing
from apps.events.actors import SYSTEM
from apps.fleet.engines import engine_of
from apps.fleet.models import Server
from apps.instances import services
from apps.instances.constants import WORKSPACE_APP
from apps.instances.models import Instance
from apps.instances.workspace import platform_settings
from apps.marketplace.services import latest
from apps.operations.models import Operation
from apps.tenancy.kinds import operator, schema_of
from apps.tenants import registry
from apps.tenants.models import Organisation
from apps.tenants.services import Application, create_organisation
from dotmac.stack import InstanceFacts, StackPlan, parse_manifest, plan_stack, resolve_environment
from tests.bench.bare import BareStack
from tests.bench.result import Result, percentile, ratio, spread
from tests.live_platform import LivePlatform, until

_TURNS = 7


def measure(platform: LivePlatform) -> list[Result]:
    """One at a time."""
    ours, floor = [], []
    for turn in range(_TURNS):
        organisation = _organisation(f"bench{turn}")
        ours.append(_deploy([organisation], platform))
        _remove([organisation])
        floor.append(_bare(platform, organisation, 900 + turn))
    return [ratio("deploy of a workspace, against a bare script", ours, floor, 1.5), _waiting()]


def measure_queue(platform: LivePlatform, many: int = 20) -> list[Result]:
    """All at once."""
    batch = [_organisation(f"batch{n}") for n in range(many)]
    each = [_deploy(batch, platform) / many]
    _remove(batch)
    bare = [_bare(platform, batch[n], 950 + n) for n in range(many)]
    return [ratio(f"{many} deploys queued at once, per stack", each, [sum(bare) / many], 1.3)]


def _organisation(slug: str) -> Organisation:
    """An ISP with a console whose workspace is not deployed yet."""
    kept, registry._callbacks[:] = list(registry._callbacks), []
    try:
        with operator():
            owner = create_user(email=f"owner@{slug}.example", is_verified=True, actor=SYSTEM)
            plan = next(p for p in billing.offered_plans() if p.key == "business")
            place = ("SE", "SEK", "Europe/Stockholm", "local")
            return create_organisation(
                Application(slug.title(), slug, *place), plan, owner=owner, actor=SYSTEM
            )
    finally:
        registry._callbacks[:] = kept


def _deploy(organisations: list[Organisation], platform: LivePlatform) -> float:
    """Seconds from the calls until every public address answers."""
    instances = []
    for organisation in organisations:
        with schema_of(organisation.console.schema_name):  # type: ignore[union-attr]
            instances.append(
                services.create_instance(
                    app=WORKSPACE_APP,
                    name=organisation.name,
                    hostname=f"{organisation.slug}.apps.localhost",
                    hosting=Instance.Hosting.DEDICATED,
                    region="local",
                    actor=SYSTEM,
                )
            )
    start = time.perf_counter()
    for organisation, instance in zip(organisations, instances, strict=True):
        with schema_of(organisation.console.schema_name):  # type: ignore[union-attr]
            services.deploy(instance, actor=SYSTEM)
    for organisation, instance in zip(organisations, instances, strict=True):
        host = instance.hostname
        until(lambda h=host, o=organisation: _answers(platform, h, o), what=host, seconds=300)
    took = time.perf_counter() - start
    for organisation in organisations:
        with schema_of(organisation.console.schema_name):  # type: ignore[union-attr]
            until(lambda: Operation.objects.get().status == "succeeded", what="success")
    return took


def _answers(platform: LivePlatform, host: str, organisation: Organisation) -> bool:
    """Whether the public address answers; AssertionError when the deployment has failed."""
    if platform.get(host, "/readyz").status == 200:
        return True
    with schema_of(organisation.console.schema_name):  # type: ignore[union-attr]
        cause = Operation.objects.values_list("cause", flat=True).get()
    assert not cause, cause
    return False


def _remove(organisations: list[Organisation]) -> None:
    for organisation in organisations:
        with schema_of(organisation.console.schema_name):  # type: ignore[union-attr]
            instance = Instance.objects.get()
            operation = services.change(instance, "archive", actor=SYSTEM)
            until(lambda o=operation: _ended(o), what="archiving", seconds=120)
        engine = engine_of(Server.objects.get())
        for volume in engine.volumes({"dotmac.instance": instance.uuid.hex}):
            engine.remove_volume(volume.name)


def _ended(operation: Operation) -> bool:
    operation.refresh_from_db()
    return operation.status in Operation.ENDED


def _bare(platform: LivePlatform, organisation: Organisation, number: int) -> float:
    stack = BareStack(platform, _plan(organisation, number), number)
    try:
        return stack.deploy()
    finally:
        stack.remove()


def _plan(organisation: Organisation, number: int) -> StackPlan:
    """The same containers, with settings of their own and subnets that nobody has."""
    manifest = parse_manifest(latest(WORKSPACE_APP).manifest)
    host = f"bare{number}.apps.localhost"
    with schema_of(organisation.console.schema_name):  # type: ignore[union-attr]
        given = platform_settings(Instance(app=WORKSPACE_APP, hostname=host), {})
    facts = InstanceFacts(
        instance_id=uuid4().hex,
        deployment=1,
        operation_id=uuid4().hex,
        hostname=host,
        base_url=f"https://{host}",
        environment=resolve_environment(manifest, given, kept={}),
        front_subnet=f"10.250.{number % 250}.0/28",
        back_subnet=f"10.250.{number % 250}.16/28",
    )
    return plan_stack(manifest, instance=facts)


def _waiting() -> Result:
    """From the enqueuing of an operation to its first step, over all that ran one by one."""
    waits = []
    for organisation in Organisation.objects.filter(slug__startswith="bench"):
        with schema_of(organisation.console.schema_name):  # type: ignore[union-attr]
            for operation in Operation.objects.all():
                first = operation.steps.get(position=0)
                waits.append((first.started_at - operation.created_at).total_seconds())
    worst = percentile(waits, 0.95)
    return Result(
        f"enqueue of an operation to its first step, {len(waits)} of them",
        spread(waits, unit="ms"),
        "",
        f"p95 {worst * 1000:.0f} ms",
        "p95 ≤ 250 ms",
        worst <= 0.25,
    )
