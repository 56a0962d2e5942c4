"""The fake engine keeps the contract, and lets a test arrange every misfortune."""

from dataclasses import replace
from typing import Any

import pytest

from dotmac.engine import ContainerSpec, EngineError, ErrorCode, ExecResult, NetworkSpec, VolumeSpec
from dotmac.engine.fake import FakeEngine, FakeHost, Killed, Program
from tests.dotmac.engine.contract import EngineContract
from tests.dotmac.engine.scene import MISSING_IMAGE


class FakeScene:
    """A host in memory."""

    labels = {"dotmac.test": "fake"}

    def __init__(self, host: FakeHost) -> None:
        self.host = host

    def name(self, part: str) -> str:
        return f"test-{part}"

    def service(self, part: str, **fields: Any) -> ContainerSpec:
        return ContainerSpec(self.name(part), "web:1", **{"labels": self.labels, **fields})

    def command(
        self, part: str, *, output: str = "", exit_code: int = 0, lasts_s: float = 0
    ) -> ContainerSpec:
        spec = ContainerSpec(self.name(part), "web:1", labels=self.labels)
        self.host.programs[spec.name] = Program(output, exit_code, lasts_s)
        return spec

    def answers(self, spec: ContainerSpec, output: str, exit_code: int) -> tuple[str, ...]:
        self.host.commands = lambda _name, _command: ExecResult(exit_code, output)
        return ("any",)

    def die_after_create(self, spec: ContainerSpec) -> None:
        victim = FakeEngine(self.host)
        victim.kill("ensure_container:created")
        with pytest.raises(Killed):
            victim.ensure_container(spec)

    def die_after_start(self, spec: ContainerSpec) -> None:
        victim = FakeEngine(self.host)
        victim.kill("run:started")
        with pytest.raises(Killed):
            victim.run(spec, 30)

    def interrupt(self, spec: ContainerSpec) -> None:
        self.die_after_start(spec)
        FakeEngine(self.host).end_container(spec.name, 137)


@pytest.fixture
def host() -> FakeHost:
    return FakeHost(missing_images={MISSING_IMAGE})


@pytest.fixture
def engine(host: FakeHost) -> FakeEngine:
    return FakeEngine(host)


class TestFakeEngine(EngineContract):
    """The contract, on the fake."""

    @pytest.fixture
    def another(self, host: FakeHost) -> FakeEngine:
        return FakeEngine(host)

    @pytest.fixture
    def scene(self, host: FakeHost) -> FakeScene:
        return FakeScene(host)


WEB = ContainerSpec("web", "web:1")


def test_a_failure_comes_as_often_as_it_was_asked_for(engine: FakeEngine) -> None:
    engine.fail("ensure_container", times=2, after=1)
    engine.ensure_container(WEB)
    for _ in range(2):
        with pytest.raises(EngineError) as caught:
            engine.ensure_container(WEB)
        assert not caught.value.permanent
    assert engine.ensure_container(WEB).is_running


def test_a_failure_can_be_any_error(engine: FakeEngine) -> None:
    full = EngineError("The disk is full.", permanent=True, code=ErrorCode.NO_SPACE)
    engine.fail("ensure_volume", full)
    with pytest.raises(EngineError, match="The disk is full"):
        engine.ensure_volume(VolumeSpec("data"))


def test_a_worker_killed_after_the_effect_leaves_it_to_be_adopted(
    engine: FakeEngine, host: FakeHost
) -> None:
    engine.kill("ensure_network:after")
    spec = NetworkSpec("back", internal=True)
    with pytest.raises(Killed):
        engine.ensure_network(spec)
    left = FakeEngine(host).networks({})
    assert left == (FakeEngine(host).ensure_network(spec),)


def test_a_host_that_is_cut_off_answers_no_worker_until_it_is_back(
    engine: FakeEngine, host: FakeHost
) -> None:
    host.unreachable = True
    with pytest.raises(EngineError, match="does not answer") as caught:
        FakeEngine(host).ping()
    assert (caught.value.code, caught.value.permanent) == (ErrorCode.UNREACHABLE, False)
    host.unreachable = False
    assert engine.ping().cpus == 8


def test_a_service_that_exits_by_itself_is_seen_to(engine: FakeEngine, host: FakeHost) -> None:
    host.programs["web:1"] = Program("no such table", exit_code=1, lasts_s=0)
    made = engine.ensure_container(WEB)
    assert (made.state, made.exit_code) == ("exited", 1)
    assert engine.logs("web") == "no such table"


def test_calls_are_recorded_in_order(engine: FakeEngine) -> None:
    engine.ensure_container(WEB)
    engine.stop("web", 1)
    assert engine.calls == [("ensure_container", "web"), ("stop", "web")]


def test_the_digest_covers_every_field_and_not_their_order() -> None:
    spec = ContainerSpec("web", "web:1", environment={"A": "1", "B": "2"})
    same = replace(spec, environment={"B": "2", "A": "1"})
    assert spec.digest() == same.digest()
    for change in ({"environment": {"A": "1"}}, {"memory_bytes": 1}, {"labels": {"a": "b"}}):
        assert replace(spec, **change).digest() != spec.digest()  # type: ignore[arg-type]


def test_a_spec_does_not_print_its_environment() -> None:
    assert "hunter2" not in repr(ContainerSpec("web", "web:1", environment={"PASSWORD": "hunter2"}))
