"""Routes follow their containers: to new addresses, after events, sweeps and lost connections."""

from collections.abc import Iterator
from uuid import uuid4

import pytest

from apps.fleet import engines, services, watching
from apps.fleet.models import EdgeState, PlacementStatus, Route
from apps.fleet.sightings import refresh
from apps.fleet.watching import Watcher
from dotmac.engine import Attachment, ContainerSpec, NetworkSpec
from tests.fleet.conftest import eventually, make_server, reserve
from tests.fleet.test_routes import HOST


class Stack:
    """A web container and a database on a fake host, placed and routed."""

    def __init__(self, server, hostname=HOST):
        self.engine = engines.fake_engine(server.name)
        self.placement = reserve()
        self.instance = self.placement.instance
        self.prefix = f"dm-{self.instance.hex[:12]}"
        front, back = services.subnets(self.placement)
        for side, subnet in (("front", front), ("back", back)):
            self.engine.ensure_network(NetworkSpec(self.network(side), side == "back", subnet))
        self.run("db", Attachment(self.network("back")))
        self.run("web-1", Attachment(self.network("front")), Attachment(self.network("back")))
        services.set_route(
            hostname=hostname,
            schema="c_acme",
            instance=self.instance,
            upstreams=[self.upstream(self.address())],
        )

    def network(self, side):
        return f"{self.prefix}-{side}"

    @property
    def web(self):
        return f"{self.prefix}-web-1"

    def run(self, name, *networks):
        service = name.partition("-")[0]
        labels = {"dotmac.instance": self.instance.hex, "dotmac.service": service}
        spec = ContainerSpec(f"{self.prefix}-{name}", "app:1", networks=networks, labels=labels)
        return self.engine.ensure_container(spec)

    def address(self):
        return self.engine.container(self.web).addresses[self.network("front")]

    def upstream(self, address):
        return {
            "url": f"http://{address}:8000",
            "weight": 1,
            "container": self.web,
            "network": self.network("front"),
            "port": 8000,
        }

    def move(self):
        """Let the web container get up at another address, as after a crash of the host."""
        old = self.address()
        self.engine.stop(self.web, 1)
        self.run("squatter", Attachment(self.network("front"), ipv4=old))
        self.engine.start(self.web)
        assert self.address() != old

    def is_routed_right(self):
        return Route.objects.get(instance=self.instance).upstreams == [
            self.upstream(self.address())
        ]


@pytest.fixture
def stack(server):
    return Stack(server)


def test_a_container_at_another_address_gets_its_route_corrected(server, stack):
    assert refresh(server) == 0
    before = EdgeState.objects.get().wanted
    stack.move()
    assert not stack.is_routed_right()
    assert refresh(server, {stack.instance}) == 1
    assert stack.is_routed_right()
    assert EdgeState.objects.get().wanted == before + 1
    assert refresh(server) == 0


def test_a_stopped_container_keeps_its_route_until_it_is_back(server, stack):
    stack.engine.stop(stack.web, 1)
    assert refresh(server) == 0
    stack.engine.start(stack.web)
    assert stack.is_routed_right()


def test_what_runs_is_on_record_with_its_addresses(server, stack):
    def seen():
        refresh(server)
        return PlacementStatus.objects.get(placement=stack.placement)

    assert seen().state == "running"
    assert seen().addresses[stack.web][stack.network("front")] == stack.address()
    stack.engine.end_container(stack.web, 137)
    assert (seen().state, seen().detail) == ("degraded", f"{stack.web} exited")
    stack.engine.stop(f"{stack.prefix}-db", 1)
    assert seen().state == "stopped"
    for name in (stack.web, f"{stack.prefix}-db"):
        stack.engine.remove_container(name)
    assert seen().state == "missing"


def test_containers_of_another_deployment_are_not_counted(server, stack):
    stack.run("web-2", Attachment(stack.network("front")))
    stack.run("release-1", Attachment(stack.network("back")))
    second = reserve(stack.instance, deployment=2)
    refresh(server)
    names = {
        one.placement.deployment: set(one.addresses)
        for one in PlacementStatus.objects.select_related("placement")
    }
    shared = f"{stack.prefix}-db"
    assert names == {1: {shared, stack.web}, 2: {shared, f"{stack.prefix}-web-2"}}
    assert second.server == server


def test_many_instances_are_read_in_one_listing(server):
    stacks = [Stack(server, f"isp-{number}.apps.localhost") for number in range(8)]
    for one in stacks:
        one.move()
    stacks[0].engine.calls.clear()
    assert refresh(server) == 8
    assert all(one.is_routed_right() for one in stacks)
    assert stacks[0].engine.calls[0] == ("containers", "")
    assert [name for name, _ in stacks[0].engine.calls].count("containers") == 1


@pytest.fixture
def watched(live_database) -> Iterator[Stack]:
    server = make_server()
    stack = Stack(server)
    watcher = Watcher(server)
    watcher.start()
    stack.watcher = watcher
    eventually(lambda: PlacementStatus.objects.filter(state="running").exists())
    yield stack
    watcher.stop()
    assert watcher.join(20)


def test_a_watcher_corrects_the_route_after_an_event(watched):
    watched.move()
    eventually(watched.is_routed_right)


def test_a_watcher_reads_everything_again_after_a_lost_connection(watched, monkeypatch):
    monkeypatch.setattr(engines, "OPEN_S", 0.05)
    monkeypatch.setattr(watching, "_RETRY_S", 0.05)
    host = watched.engine.host
    with host.changed:
        host.unreachable = True
        host.changed.notify_all()
    eventually(lambda: watched.engine.calls.count(("events", "")) > 1)
    with host.changed:
        host.unreachable = False
        watched.move()
        # As after a restart of the engine: nobody was told.
        host.events.clear()
    eventually(watched.is_routed_right)


def test_a_sweep_finds_what_no_event_told(watched):
    with watched.engine.host.changed:
        watched.move()
        watched.engine.host.events.clear()
    watched.watcher.mark()
    eventually(watched.is_routed_right)


def test_servers_that_answer_are_watched_and_others_are_not(live_database):
    server = make_server()
    try:
        watching.tend()
        first = watching._watchers[server.pk]
        watching.tend()
        assert watching._watchers == {server.pk: first}
        type(server).objects.update(status="unreachable")
        watching.tend()
        assert watching._watchers == {}
        assert first.join(20)
    finally:
        type(server).objects.update(status="retired")
        watching.tend()


@pytest.mark.parametrize(
    ("kind", "action", "name", "concerned"),
    [
        ("container", "start", "web", True),
        ("container", "die", "web", True),
        ("container", "exec_start", "web", False),
        ("network", "connect", "dm-0123456789ab-front", True),
        ("network", "disconnect", "bridge", False),
        ("image", "pull", "app", False),
    ],
)
def test_only_events_that_may_change_an_address_matter(kind, action, name, concerned):
    labels = {"dotmac.instance": uuid4().hex} if kind == "container" else {}
    event = watching.EngineEvent(kind, action, "id", name, labels, None)
    assert bool(watching.instance_of(event)) is concerned
