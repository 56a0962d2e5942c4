"""A platform with one fake server, ISPs on it, and an app whose two releases a test can arrange.

The app "shop" has a stateless `web` in front of a `db` with data of its own, a release command
with a probe, and settings of which one is secret and one generated.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any, cast

import pytest

from apps.accounts.models import User
from apps.billing import services as billing
from apps.events.actors import SYSTEM
from apps.events.models import Event
from apps.fleet import engines
from apps.fleet.edge import edge
from apps.fleet.models import Placement, Region, Route, Server
from apps.instances import services
from apps.instances.models import Instance
from apps.marketplace.services import BUILT_IN, publish
from apps.operations.models import Operation
from apps.tenancy.kinds import operator, schema_of
from apps.tenancy.models import Tenant
from apps.tenants.models import Membership, Organisation
from apps.tenants.services import Application, create_organisation
from dotmac.edge.fake import FakeEdge
from dotmac.engine.fake import FakeEngine, Program
from dotmac.engine.fake_host import FakeContainer
from dotmac.stack.yaml_source import load_yaml
from tests.conftest import Isp

PASSWORD = "correct horse battery"


def shop(version: str, **changes: Any) -> dict[str, Any]:
    """The manifest of a release of the shop."""
    manifest = {
        "name": "shop",
        "title": "Shop",
        "version": version,
        "services": {
            "web": {
                "image": f"example/shop:{version}",
                "port": 8080,
                "public": True,
                "memory": "64M",
                "volumes": {"files": "/files"},
                "environment": {
                    "GREETING": "${GREETING}",
                    "PASSWORD": "${PASSWORD}",
                    "DATABASE": "shop:${DB_PASSWORD}@db",
                },
            },
            "db": {
                "image": "example/db:17",
                "port": 5432,
                "memory": "64M",
                "volumes": {"data": "/data"},
                "environment": {"DB_PASSWORD": "${DB_PASSWORD}"},
            },
        },
        "volumes": {"data": {"size": "1G"}, "files": {"size": "1G", "shared": True}},
        "environment": [
            {"name": "GREETING", "default": "hello"},
            {"name": "LIMIT", "type": "integer", "default": 10},
            {"name": "PASSWORD", "type": "secret", "required": True},
            {"name": "DB_PASSWORD", "type": "secret", "generate": 24, "editable": False},
        ],
        "health": {"path": "/health", "timeout_s": 1},
        "release": {"service": "web", "command": ["migrate"], "probe": ["migrate", "--check"]},
    }
    return {**manifest, **changes}


@cache
def _built_in() -> list[Any]:
    """The manifests of the catalogue, read once for all tests."""
    return [load_yaml(file.read_text()) for file in sorted(BUILT_IN.glob("*.yaml"))]


def furnish() -> None:
    """A region with one server, the plans, the catalogue, and the shop in its first release."""
    engines.forget()
    edge.cache_clear()
    with operator():
        billing.seed_operator_plans()
        for manifest in _built_in():
            publish(manifest)
        publish(shop("1.0"))
        region = Region.objects.create(code="local", name="This machine", country="SE")
        Server.objects.create(
            name="one", region=region, cpu_millis=16000, memory_mb=16000, disk_mb=200_000
        )


@pytest.fixture
def platform(db: None) -> Iterator[None]:
    """A region with one server, the plans and the catalogue; engine and edge start empty."""
    furnish()
    yield
    engines.forget()
    edge.cache_clear()


@pytest.fixture
def engine(platform: None) -> FakeEngine:
    """The fake engine of the server."""
    return engines.fake_engine("one")


def the_edge() -> FakeEdge:
    """The fake edge of this process."""
    return cast(FakeEdge, edge())


def plan_of(key: str) -> billing.OfferedPlan:
    """A plan on offer."""
    with operator():
        return next(plan for plan in billing.offered_plans() if plan.key == key)


@pytest.fixture
def sign_up(platform: None) -> Callable[..., Organisation]:
    """`sign_up("north", plan="business")` makes an ISP, as the sign-up pages do."""

    def make(slug: str, plan: str = "business", name: str = "") -> Organisation:
        with operator():
            owner = User.objects.create_user(f"owner@{slug}.example", "secret-of-the-owner")
            return create_organisation(
                Application(name or slug.title(), slug, "SE", "SEK", "Europe/Stockholm", "local"),
                plan_of(plan),
                owner=owner,
                actor=SYSTEM,
            )

    return make


def adopt(isp: Isp, plan: str = "business") -> Organisation:
    """Make an ISP of the tests, whose schemas are there, a customer on a plan."""
    chosen = plan_of(plan)
    with operator():
        owner = User.objects.create_user(f"owner@{isp.slug}.example")
        organisation = Organisation.objects.create(
            name=isp.name,
            slug=isp.slug,
            status=Organisation.Status.ACTIVE,
            country="SE",
            currency="SEK",
            time_zone="Europe/Stockholm",
            region="local",
            plan_version=chosen.version_uuid,
            plan_key=chosen.key,
            owner=owner.uuid,
            email=owner.email,
            console=Tenant.objects.get(schema_name=isp.console),
            workspace=Tenant.objects.get(schema_name=isp.workspace),
        )
        Membership.objects.create(organisation=organisation, user=owner.uuid)
    return organisation


@dataclass
class Shop:
    """The shop of an ISP, and what the world outside shows of it."""

    isp: Isp
    uuid: Any
    engine: FakeEngine

    @property
    def row(self) -> Instance:
        """Its row as it is now."""
        with schema_of(self.isp.console):
            return Instance.objects.get(uuid=self.uuid)

    @property
    def operation(self) -> Operation:
        """Its newest operation."""
        with schema_of(self.isp.console):
            rows = Operation.objects.filter(subject_id=str(self.uuid))
            return rows.prefetch_related("steps", "lines").order_by("-pk")[0]

    @property
    def log(self) -> str:
        """What its newest operation said."""
        return "\n".join(line.text for line in self.operation.lines.all())

    @property
    def prefix(self) -> str:
        """How the names of all its parts begin."""
        return f"dm-{self.uuid.hex[:12]}-"

    def name(self, part: str) -> str:
        """The name of one of its parts: "web-1", "db", "release-2"."""
        return self.prefix + part

    @property
    def containers(self) -> dict[str, str]:
        """Its containers on the host, by short name, with their state."""
        return {one.info.name.removeprefix(self.prefix): one.info.state for one in self.made}

    @property
    def made(self) -> list[FakeContainer]:
        """The same as the host has them."""
        made = self.engine.host.made.values()
        return [one for one in made if one.info.labels.get("dotmac.instance") == self.uuid.hex]

    @property
    def networks(self) -> set[str]:
        """Its networks, by short name."""
        return {name.removeprefix(self.prefix) for name in self.engine.host.networks}

    @property
    def volumes(self) -> set[str]:
        """Its volumes, by short name."""
        return {name.removeprefix(self.prefix) for name in self.engine.host.volumes}

    @property
    def placements(self) -> list[tuple[int, str]]:
        """Its open reservations: deployment and status."""
        rows = Placement.objects.filter(instance=self.uuid, status__in=Placement.OPEN)
        return list(rows.order_by("deployment").values_list("deployment", "status"))

    @property
    def routes(self) -> list[tuple[list[str], str]]:
        """Its routes: the containers they lead to, and the notice they show."""
        rows = Route.objects.filter(instance=self.uuid)
        return [
            ([one["container"].removeprefix(self.prefix) for one in row.upstreams], row.notice)
            for row in rows
        ]

    @property
    def public_status(self) -> int:
        """What a browser gets at its address."""
        return the_edge().status(self.row.hostname)

    @property
    def deployments(self) -> list[tuple[int, str, str]]:
        """Its deployments: number, release, status."""
        with schema_of(self.isp.console):
            rows = self.row.deployments.order_by("number")
            return list(rows.values_list("number", "release", "status"))

    def environment(self, container: str) -> dict[str, str]:
        """What one of its containers was given."""
        return dict(self.engine.host.made[self.name(container)].spec.environment)

    def happened(self, type: str) -> int:
        """How often an event of it is on record."""
        with schema_of(self.isp.console):
            return Event.objects.filter(subject_id=str(self.uuid), type=type).count()

    def deploy(self, release: str = "") -> Operation:
        """Start a deployment."""
        with schema_of(self.isp.console):
            return services.deploy(self.row, actor=SYSTEM, release=release)

    def change(self, what: str) -> Operation:
        """Start another change."""
        with schema_of(self.isp.console):
            return services.change(self.row, what, actor=SYSTEM)

    def set(self, **settings: str) -> Operation:
        """Change settings."""
        with schema_of(self.isp.console):
            return services.change_settings(self.row, settings, actor=SYSTEM)


def install_shop(isp: Isp, app: str = "shop", **settings: str) -> Shop:
    """Start the first deployment of a shop."""
    with schema_of(isp.console):
        operation = services.install(
            app=app, actor=SYSTEM, environment={"PASSWORD": PASSWORD, **settings}
        )
        uuid = Instance.objects.get(uuid=operation.subject_id).uuid
    return Shop(isp, uuid, engines.fake_engine("one"))


def order_shop(isp: Isp) -> Shop:
    """Have an ISP's shop queued, with something to prepare."""
    adopt(isp)
    found = install_shop(isp)
    arrange_release(found, 1)
    return found


def open_shop(ordered: Shop, run_due: Callable[[], list[str]]) -> None:
    """Have it serve release 1.0; release 2.0 is published."""
    run_due()
    assert ordered.row.status == "active"
    publish(shop("2.0"))
    ordered.engine.calls.clear()


@pytest.fixture
def new_shop(acme: Isp, engine: FakeEngine) -> Shop:
    """Acme's shop, whose first deployment is queued and has something to prepare."""
    return order_shop(acme)


@pytest.fixture
def running_shop(new_shop: Shop, run_due: Callable[[], list[str]]) -> Shop:
    """Acme's shop, serving release 1.0; release 2.0 is published."""
    open_shop(new_shop, run_due)
    return new_shop


def arrange_release(found: Shop, number: int, **program: Any) -> None:
    """Let a deployment find something to prepare; its command prints and exits as arranged."""
    programs = found.engine.host.programs
    programs[found.name(f"release-probe-{number}")] = Program(exit_code=1)
    programs[found.name(f"release-{number}")] = Program(**program)
