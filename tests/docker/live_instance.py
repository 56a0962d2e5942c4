"""An instance on a live platform: its operations as the database has them, its parts on the engine.

What is true of an instance in good order stands here once, for all tests of faults.
"""

import contextlib
import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import psycopg

from dotmac.engine.base import ContainerInfo
from dotmac.engine.docker import DockerEngine
from tests.live_platform import LivePlatform, until

_EVERY_S = 0.005
ENDED = ("succeeded", "failed", "cancelled")
_STEPS = "SELECT key, status, error, attempt FROM {schema}.operations_step WHERE operation_id = %s"
_OPERATION = (
    "SELECT id, status, cause, waits_for, name FROM {schema}.operations_operation WHERE uuid = %s"
)


@dataclass(frozen=True)
class Step:
    """A step as it stands."""

    key: str
    status: str
    error: str
    attempt: int


@dataclass(frozen=True)
class Operation:
    """An operation as it stands."""

    status: str
    cause: str
    waits_for: str
    name: str
    steps: Mapping[str, Step]

    @property
    def is_over(self) -> bool:
        """Whether nothing more will come of it."""
        return self.status in ENDED

    def has_reached(self, key: str) -> bool:
        """Whether a step is under way or past."""
        return self.steps[key].status not in ("pending", "")


@dataclass
class LiveInstance:
    """One instance of one ISP."""

    platform: LivePlatform
    schema: str
    instance: str
    hostname: str
    operation_id: str
    engine: DockerEngine = field(default_factory=DockerEngine, repr=False)
    _connection: psycopg.Connection[tuple[Any, ...]] | None = field(default=None, repr=False)

    @property
    def labels(self) -> dict[str, str]:
        """What every part of it carries."""
        return {"dotmac.instance": UUID(self.instance).hex}

    @property
    def short(self) -> str:
        """How the names of its parts begin."""
        return f"dm-{UUID(self.instance).hex[:12]}"

    def deploy(self, release: str = "") -> str:
        """Deploy anew; the operation's id."""
        return self._started("deploy", schema=self.schema, instance=self.instance, release=release)

    def change(self, what: str) -> None:
        """Stop, start, suspend, resume or archive, and wait for its end."""
        self._started("change", schema=self.schema, instance=self.instance, what=what)
        ended = self.wait_end()
        assert ended.status == "succeeded", ended

    def retry(self) -> str:
        """Start the last operation anew."""
        return self._started("retry", schema=self.schema, operation=self.operation_id)

    def _started(self, act: str, **arguments: Any) -> str:
        self.operation_id = self.platform.act(act, **arguments)["operation"]
        return self.operation_id

    def rows(self, statement: str, *values: Any) -> list[tuple[Any, ...]]:
        """Rows of the console's schema, by a connection that is kept; it is away with the database.

        `{schema}` stands for the schema.
        """
        text = statement.replace("{schema}", self.schema).encode()
        try:
            return self._connected().execute(text, values).fetchall()
        except psycopg.OperationalError:
            # The server that the kept connection belonged to may have been ended since.
            self._connected().close()
            return self._connected().execute(text, values).fetchall()

    def _connected(self) -> psycopg.Connection[tuple[Any, ...]]:
        if self._connection is None or self._connection.closed:
            url = self.platform.environment["DATABASE_URL"]
            self._connection = psycopg.connect(url, autocommit=True)
        return self._connection

    def operation(self) -> Operation:
        """The last operation, now."""
        number, *facts = self.rows(_OPERATION, self.operation_id)[0]
        steps = [Step(*row) for row in self.rows(_STEPS, number)]
        return Operation(*facts, steps={step.key: step for step in steps})

    def wait_for_step(self, key: str, seconds: float = 60) -> Operation:
        """Wait until a step has begun; AssertionError when the operation ended before."""
        now = self._watch(lambda one: one.has_reached(key) or one.is_over, seconds)
        assert not now.is_over, f"It was over before it could be hit at {key}: {now}"
        return now

    def wait_end(self, seconds: float = 60) -> Operation:
        """Wait for the end of the last operation; TimeoutError with how it stands."""
        return self._watch(lambda one: one.is_over, seconds)

    def _watch(self, is_so: Callable[[Operation], bool], seconds: float) -> Operation:
        """Look at the last operation until it is so, also while its database is away."""
        end = time.monotonic() + seconds
        now: Operation | None = None
        while time.monotonic() < end:
            with contextlib.suppress(psycopg.OperationalError):
                now = self.operation()
                if is_so(now):
                    return now
            time.sleep(_EVERY_S)
        raise TimeoutError(f"It did not come to it within {seconds} s: {now}")

    def log(self) -> str:
        """Every line of the last operation's log."""
        rows = self.rows(
            "SELECT text FROM {schema}.operations_logline l JOIN {schema}.operations_operation o"
            " ON o.id = l.operation_id WHERE o.uuid = %s ORDER BY l.id",
            self.operation_id,
        )
        return "\n".join(row[0] for row in rows)

    def events(self, kind: str) -> int:
        """How many events of a type are recorded about it."""
        counted = self.rows(
            "SELECT count(*) FROM {schema}.events_event WHERE type = %s AND subject_id = %s",
            kind,
            self.instance,
        )
        return int(counted[0][0])

    def status(self) -> str:
        """The instance's status."""
        found = self.rows(
            "SELECT status FROM {schema}.instances_instance WHERE uuid = %s", self.instance
        )
        return str(found[0][0])

    def deployments(self) -> list[tuple[int, str, str]]:
        """Number, release and status of every deployment, oldest first."""
        rows = self.rows(
            "SELECT d.number, d.release, d.status FROM {schema}.instances_deployment d"
            " JOIN {schema}.instances_instance i ON i.id = d.instance_id"
            " WHERE i.uuid = %s ORDER BY d.number",
            self.instance,
        )
        return [(number, release, status) for number, release, status in rows]

    def placements(self) -> list[tuple[int, str]]:
        """Deployment and status of what is reserved for it."""
        return [
            (number, status)
            for number, status in self.rows(
                "SELECT deployment, status FROM public.fleet_placement"
                " WHERE instance = %s AND status <> 'released' ORDER BY deployment",
                self.instance,
            )
        ]

    def routes(self) -> list[tuple[str, list[dict[str, Any]], str]]:
        """Hostname, upstreams and notice of its routes."""
        rows = self.rows(
            "SELECT hostname, upstreams, notice FROM public.fleet_route WHERE instance = %s",
            self.instance,
        )
        return [(hostname, upstreams, notice) for hostname, upstreams, notice in rows]

    def containers(self) -> list[ContainerInfo]:
        """Its containers by name, running or not."""
        return sorted(self.engine.containers(self.labels), key=lambda one: one.name)

    def parts(self) -> dict[str, list[str]]:
        """The names of all that it has on the engine."""
        return {
            "containers": [one.name for one in self.containers()],
            "networks": sorted(one.name for one in self.engine.networks(self.labels)),
            "volumes": sorted(one.name for one in self.engine.volumes(self.labels)),
        }

    def get(self, path: str = "/readyz") -> int | None:
        """The status that its public address answers with."""
        return self.platform.get(self.hostname, path).status

    def workspace_parts(self, deployment: int = 1) -> dict[str, list[str]]:
        """What a dedicated workspace has, and nothing more."""
        return {
            "containers": sorted([f"{self.short}-db", f"{self.short}-web-{deployment}"]),
            "networks": [f"{self.short}-back", f"{self.short}-front"],
            "volumes": [f"{self.short}-data", f"{self.short}-media"],
        }

    def assert_deployed_once(self, deployment: int = 1) -> None:
        """A workspace in good order: all of it once, on record once, and it answers."""
        ended = self.operation()
        assert ended.status == "succeeded", f"{ended}\n{self.log()}"
        assert {step.status for step in ended.steps.values()} == {"done"}
        assert self.parts() == self.workspace_parts(deployment)
        assert all(one.is_running for one in self.containers())
        assert self.placements() == [(deployment, "active")]
        numbers = [number for number, _release, _status in self.deployments()]
        assert numbers == list(range(1, deployment + 1))
        assert [status for *_rest, status in self.deployments()][-1] == "succeeded"
        assert self.events("instance.deployed") == deployment
        assert self.events("operation.succeeded") == deployment
        self.assert_routed(deployment)

    def assert_routed(self, deployment: int = 1) -> None:
        """One route, to where its container is now; the public address reads the database."""
        web = self.engine.container(f"{self.short}-web-{deployment}")
        assert web is not None
        until(lambda: self.get() == 200, what=f"An answer of {self.hostname}", seconds=30)
        ((hostname, upstreams, notice),) = self.routes()
        url = f"http://{web.addresses[f'{self.short}-front']}:8000"
        assert (hostname, [one["url"] for one in upstreams], notice) == (self.hostname, [url], "")

    def remove(self) -> None:
        """Take all of it off the engine, and give its place back."""
        for container in self.containers():
            self.engine.remove_container(container.name)
        for network in self.engine.networks(self.labels):
            self.engine.remove_network(network.name)
        for volume in self.engine.volumes(self.labels):
            self.engine.remove_volume(volume.name)
        self.platform.sql(
            "UPDATE fleet_placement SET status = 'released', released_at = now()"
            " WHERE instance = %s AND status <> 'released'",
            self.instance,
        )
        if self._connection is not None:
            self._connection.close()


def signed_up(platform: LivePlatform, name: str, region: str = "local") -> LiveInstance:
    """The dedicated workspace of a new ISP, which begins to be deployed."""
    slug = f"{name}-{secrets.token_hex(3)}"
    facts = platform.act("sign_up", slug=slug, plan="enterprise", region=region)
    return _instance(platform, facts)


def installed(beside: LiveInstance, app: str, **environment: str) -> LiveInstance:
    """An app of the catalogue beside a workspace, which begins to be deployed."""
    facts = beside.platform.act("install", schema=beside.schema, app=app, environment=environment)
    return _instance(beside.platform, facts)


def _instance(platform: LivePlatform, facts: Mapping[str, str]) -> LiveInstance:
    names = ("schema", "instance", "hostname", "operation")
    return LiveInstance(platform, *(facts[name] for name in names))
