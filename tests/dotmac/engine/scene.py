"""What a test of engines needs of a host."""

import time
from collections.abc import Callable
from datetime import datetime
from typing import Any, Protocol

from dotmac.engine import (
    ContainerSpec,
    Engine,
    EngineEvent,
    NetworkSpec,
    VolumeSpec,
)

MISSING_IMAGE = "dotmac-test-never-built:none"


class Scene(Protocol):
    """What a test needs of a host beyond the engine's own interface."""

    labels: dict[str, str]

    def name(self, part: str) -> str:
        """A name that no other test uses."""

    def service(self, part: str, **fields: Any) -> ContainerSpec:
        """A container that runs until it is stopped."""

    def command(
        self, part: str, *, output: str = "", exit_code: int = 0, lasts_s: float = 0
    ) -> ContainerSpec:
        """A one-off that prints and exits."""

    def answers(self, spec: ContainerSpec, output: str, exit_code: int) -> tuple[str, ...]:
        """A command for exec that prints and exits so."""

    def die_after_create(self, spec: ContainerSpec) -> None:
        """A worker that is killed between create and start."""

    def die_after_start(self, spec: ContainerSpec) -> None:
        """A worker that is killed while its one-off runs, or before it took the result."""

    def interrupt(self, spec: ContainerSpec) -> None:
        """A one-off that was killed from outside, with its worker."""


def wait_until(question: Callable[[], bool], deadline_s: float = 20) -> None:
    """Ask until it is so."""
    deadline = time.monotonic() + deadline_s
    while not question():
        assert time.monotonic() < deadline, "It never became true."
        time.sleep(0.02)


def front(scene: Scene) -> NetworkSpec:
    return NetworkSpec(scene.name("front"), internal=False, labels=scene.labels)


def back(scene: Scene) -> NetworkSpec:
    return NetworkSpec(scene.name("back"), internal=True, labels=scene.labels)


def data_volume(scene: Scene) -> VolumeSpec:
    return VolumeSpec(scene.name("data"), labels=scene.labels)


LIFE = ("create", "start", "die", "destroy")


def events_until(
    engine: Engine, since: datetime, container_id: str, action: str
) -> list[EngineEvent]:
    stream, seen = engine.events(since), []
    for event in stream:
        if event.id == container_id:
            seen.append(event)
        if seen and seen[-1].action == action:
            break
    stream.close()
    return seen


def starts_since(engine: Engine, since: datetime, container_id: str) -> bool:
    """Whether a container that was removed since had been started once more."""
    seen = events_until(engine, since, container_id, "destroy")
    return "start" in {event.action for event in seen}
