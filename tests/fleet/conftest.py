"""Servers of the tests, and a way to reserve on them."""

import time
from collections.abc import Callable, Iterator
from typing import Any
from uuid import UUID, uuid4

import pytest

from apps.events.actors import SYSTEM, Subject
from apps.fleet import edge, engines, services
from apps.fleet.models import Placement, Region, Server
from apps.operations import services as operations
from apps.operations.models import Operation
from apps.operations.pipelines import Pipeline, Run, Step, register

Reserve = Callable[..., Placement]


def make_server(name: str = "fra-1", *, room_for: int = 20, **fields: Any) -> Server:
    """A server with room for so many instances of the size that `reserve` asks for."""
    region, _made = Region.objects.get_or_create(
        code="fra", defaults={"name": "Frankfurt", "country": "DE"}
    )
    size = {"cpu_millis": 500 * room_for, "memory_mb": 512 * room_for, "disk_mb": 1024 * room_for}
    return Server.objects.create(name=name, region=region, **{**size, **fields})


def reserve(instance: UUID | None = None, **change: Any) -> Placement:
    """Reserve 0.5 cores, 512 MiB of memory and 1 GiB of disk in Frankfurt."""
    asked: dict[str, Any] = {
        "instance": instance or uuid4(),
        "instance_name": "Acme workspace",
        "schema": "c_acme",
        "deployment": 1,
        "region": "fra",
        "cpu_millis": 500,
        "memory_mb": 512,
        "disk_mb": 1024,
        "operation": uuid4(),
    }
    return services.reserve(**{**asked, **change})


@pytest.fixture
def server(operator_schema: None) -> Server:
    """Server fra-1 in Frankfurt, with room for 20."""
    return make_server()


@pytest.fixture(autouse=True)
def fakes(settings: Any) -> Iterator[None]:
    """Engines and an edge in memory, new ones for every test."""
    settings.ENGINE_KIND = settings.EDGE_KIND = "fake"
    forget_all()
    yield
    forget_all()


def forget_all() -> None:
    """Forget engines, breakers and the edge of the test before."""
    engines.forget()
    edge.edge.cache_clear()


def eventually(is_so: Callable[[], object], within_s: float = 20) -> None:
    """Poll until it is so."""
    end = time.monotonic() + within_s
    while not is_so():
        assert time.monotonic() < end, "It did not come true in time."
        time.sleep(0.02)


class AskServer(Step):
    """Asks the server that the operation is for."""

    key, title = "ask", "Ask the server"

    def run(self, run: Run) -> None:
        """Wait for the server, then ask it."""
        server = Server.objects.get(name=run.params["server"])
        with engines.holding(server):
            engines.engine_of(server).ping()


@pytest.fixture
def held_operation() -> Callable[[Server], Operation]:
    """Start an operation, in the current schema, that needs a server."""
    register(Pipeline("tests.ask", "Ask {subject}", (AskServer,)))

    def start(server: Server) -> Operation:
        about = Subject("instance", str(uuid4()), "Acme workspace")
        return operations.start(
            "tests.ask", subject=about, actor=SYSTEM, params={"server": server.name}
        )

    return start
