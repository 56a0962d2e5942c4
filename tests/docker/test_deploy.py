"""Deployments on the real engine: good ones that nobody notices, bad ones that leave no trace."""

import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from dotmac.engine.docker import DockerEngine
from tests.docker.conftest import SignUp
from tests.docker.live_instance import LiveInstance, installed
from tests.docker.manifests import app
from tests.docker.own_engine import OwnEngine
from tests.docker.registry import empty_registry
from tests.docker.traffic import Traffic
from tests.live_platform import LivePlatform, until

pytestmark = pytest.mark.docker


@dataclass(frozen=True)
class Bad:
    """A release that cannot be deployed: how its manifest differs, and what people are told."""

    name: str
    cause: str
    said: str = ""
    changes: dict[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        return self.name


BAD = (
    Bad("missing-image", "shop:2", changes={"image": "{registry}/shop:2"}),
    Bad(
        "never-healthy",
        "did not become healthy within 3 s: it answered 404 at /missing",
        "serving",
        {"health": {"path": "/missing", "timeout_s": 3}},
    ),
    Bad(
        "ends-at-once",
        "times while starting (exit code 3)",
        "there is no configuration",
        {"command": ["sh", "-c", "echo there is no configuration; exit 3"]},
    ),
    Bad(
        "release-fails",
        "The release command failed with exit code 7",
        "the column exists already",
        {
            "release": {
                "service": "web",
                "command": ["sh", "-c", "echo the column exists already; exit 7"],
            }
        },
    ),
)


@pytest.fixture(scope="module")
def registry() -> Iterator[str]:
    """The address of a registry without images."""
    with empty_registry() as address:
        yield address


@pytest.fixture(scope="module")
def publish(live_platform: LivePlatform, registry: str) -> Callable[..., None]:
    """`publish(name, version, **changes)` puts a release of a test's app into the catalogue."""

    def one(name: str, version: str, **changes: Any) -> None:
        if "image" in changes:
            changes["image"] = changes["image"].format(registry=registry)
        live_platform.act("publish", manifest=app(name, version, **changes))

    return one


@pytest.fixture(scope="module")
def shop(
    acme_workspace: LiveInstance, publish: Callable[..., None]
) -> Iterator[tuple[str, LiveInstance]]:
    """An app that is deployed and serves; its name in the catalogue, and its instance."""
    name = f"shop-{secrets.token_hex(3)}"
    publish(name, "1")
    instance = installed(acme_workspace, name)
    assert instance.wait_end().status == "succeeded", instance.log()
    yield name, instance
    instance.remove()


@pytest.mark.parametrize("bad", BAD, ids=str)
def test_a_first_deployment_that_fails_says_why_and_leaves_nothing(
    bad: Bad, acme_workspace: LiveInstance, publish: Callable[..., None]
) -> None:
    name = f"{bad.name[:18]}-{secrets.token_hex(3)}"
    publish(name, "1", **bad.changes)
    instance = installed(acme_workspace, name)
    _failed(instance, bad)
    assert instance.parts() == {"containers": [], "networks": [], "volumes": []}
    assert instance.placements() == []
    assert instance.routes() == []
    assert instance.status() == "failed"
    assert instance.get("/") == 404


@pytest.mark.parametrize("bad", BAD, ids=str)
def test_the_old_release_goes_on_serving_while_a_new_one_fails(
    bad: Bad, shop: tuple[str, LiveInstance], publish: Callable[..., None]
) -> None:
    name, instance = shop
    publish(name, bad.name, **bad.changes)
    before = _standing(instance)
    with Traffic(instance.platform, instance.hostname, "/") as traffic:
        instance.deploy(bad.name)
        _failed(instance, bad)
    assert traffic.failures == {}
    assert _standing(instance) == before
    assert instance.status() == "active"


def _failed(instance: LiveInstance, bad: Bad) -> None:
    ended = instance.wait_end()
    assert ended.status == "failed", ended
    assert bad.cause in ended.cause
    assert bad.said in instance.log()
    assert {step.status for step in ended.steps.values()} <= {"failed", "undone", "pending"}
    assert instance.deployments()[-1][2] == "failed"


def _standing(instance: LiveInstance) -> tuple[object, ...]:
    """What serves, and what is reserved for it."""
    containers = [(one.id, one.started_at) for one in instance.containers()]
    return containers, instance.parts(), instance.placements(), instance.routes()


@pytest.mark.parametrize("path", ["/", "/slow"])
def test_nobody_notices_a_new_release_of_a_stateless_app(
    path: str, shop: tuple[str, LiveInstance], publish: Callable[..., None]
) -> None:
    name, instance = shop
    version = f"good-{secrets.token_hex(3)}"
    publish(name, version)
    with Traffic(instance.platform, instance.hostname, path, visitors=4) as traffic:
        instance.deploy(version)
        ended = instance.wait_end()
        assert ended.status == "succeeded", f"{ended}\n{instance.log()}"
        served = traffic.answers["200"]
        until(lambda: traffic.answers["200"] > served + 8, what="Answers of the new release")
    assert traffic.failures == {}
    number = instance.deployments()[-1][0]
    assert instance.parts()["containers"] == [f"{instance.short}-web-{number}"]
    assert instance.placements() == [(number, "active")]


def test_nobody_notices_a_new_deployment_of_a_workspace(acme_workspace: LiveInstance) -> None:
    database = f"{acme_workspace.short}-db"
    before = acme_workspace.engine.container(database)
    with Traffic(acme_workspace.platform, acme_workspace.hostname, visitors=4) as traffic:
        acme_workspace.deploy()
        ended = acme_workspace.wait_end()
    assert ended.status == "succeeded", f"{ended}\n{acme_workspace.log()}"
    assert traffic.failures == {}
    number = acme_workspace.deployments()[-1][0]
    assert acme_workspace.parts() == acme_workspace.workspace_parts(number)
    assert acme_workspace.engine.container(database) == before


@pytest.mark.parametrize(
    ("leave_mb", "causes"),
    [
        (0, ["no space left on device. Free disk space on the host."]),
        # There is room for the containers, and none for the files of the database; the engine's
        # own files may grow into it first.
        (10, ["The service db ended", "no space left on device"]),
    ],
)
def test_on_a_full_disk_a_deployment_fails_without_a_trace_and_succeeds_once_there_is_room(
    leave_mb: int, causes: list[str], own_engine: OwnEngine, sign_up: SignUp
) -> None:
    own_engine.fill_disk(leave_mb=leave_mb)
    try:
        workspace = sign_up(own_engine.link, DockerEngine(own_engine.url))
        _fails_for(workspace, *causes)
    finally:
        # Also for the tests after this one.
        own_engine.free_disk()
    assert workspace.parts() == {"containers": [], "networks": [], "volumes": []}
    assert workspace.placements() == []
    workspace.retry()
    assert workspace.wait_end().status == "succeeded", workspace.log()
    workspace.assert_routed(2)
    if not leave_mb:
        _fails_beside_the_old(own_engine, workspace)


def _fails_beside_the_old(own_engine: OwnEngine, workspace: LiveInstance) -> None:
    before = _standing(workspace)
    own_engine.fill_disk()
    with Traffic(workspace.platform, workspace.hostname) as traffic:
        workspace.deploy()
        _fails_for(workspace, "no space left on device")
    own_engine.free_disk()
    assert traffic.failures == {}
    assert _standing(workspace) == before


def _fails_for(workspace: LiveInstance, *causes: str) -> None:
    ended = workspace.wait_end()
    assert ended.status == "failed"
    assert any(cause in ended.cause for cause in causes), ended.cause
