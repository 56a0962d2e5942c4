"""What a fake engine runs on: the state that survives its workers."""

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from dotmac.engine.base import (
    ContainerInfo,
    EngineEvent,
    EngineInfo,
    ExecResult,
    ImageInfo,
    NetworkInfo,
    VolumeInfo,
)
from dotmac.engine.errors import EngineError, ErrorCode
from dotmac.engine.spec import ContainerSpec


@dataclass(frozen=True)
class Program:
    """What a container's main process does; None: a service lasts for ever, a one-off no time."""

    output: str = ""
    exit_code: int = 0
    lasts_s: float | None = None
    error: str = ""


@dataclass
class FakeContainer:
    """A container with the spec that it was made from."""

    spec: ContainerSpec
    info: ContainerInfo
    # On how many of its networks it is; older engines take one in the call that makes it.
    attached: int = 1


@dataclass
class FakeHost:
    """What survives its workers: images, networks, volumes, containers, events."""

    info: EngineInfo = field(
        default_factory=lambda: EngineInfo("fake", "1.41", 8, 16 * 1024**3, 0, 100 * 1024**3)
    )
    images: dict[str, ImageInfo] = field(default_factory=dict)
    missing_images: set[str] = field(default_factory=set)
    programs: dict[str, Program] = field(default_factory=dict)
    commands: Callable[[str, tuple[str, ...]], ExecResult] | None = None
    networks: dict[str, NetworkInfo] = field(default_factory=dict)
    volumes: dict[str, VolumeInfo] = field(default_factory=dict)
    made: dict[str, FakeContainer] = field(default_factory=dict)
    events: list[EngineEvent] = field(default_factory=list)
    unreachable: bool = False
    serial: int = 0
    changed: threading.Condition = field(default_factory=threading.Condition, repr=False)

    def new_id(self) -> str:
        """An id that no other thing on this host has."""
        self.serial += 1
        return f"{self.serial:064x}"

    def program(self, spec: ContainerSpec) -> Program:
        """What was arranged for a container's name or image, else one that says nothing."""
        return self.programs.get(spec.name) or self.programs.get(spec.image) or Program()

    def check_reachable(self, what: str) -> None:
        """Raise when the test has cut the host off."""
        if self.unreachable:
            raise EngineError(
                f"Cannot {what}: the engine does not answer.",
                permanent=False,
                code=ErrorCode.UNREACHABLE,
            )

    def emit(
        self, kind: str, action: str, id: str, name: str, labels: Mapping[str, str] | None = None
    ) -> None:
        """Record an event and wake who waits for one."""
        now = datetime.now(UTC)
        self.events.append(EngineEvent(kind, action, id, name, labels or {}, now))
        self.changed.notify_all()


class FakeEvents:
    """The events of a FakeHost, from a moment on."""

    def __init__(self, host: FakeHost, since: datetime | None) -> None:
        self._host = host
        self._since = since or datetime.now(UTC)
        self._next = 0
        self._closed = False

    def __iter__(self) -> "FakeEvents":
        return self

    def __next__(self) -> EngineEvent:
        with self._host.changed:
            while True:
                if self._closed:
                    raise StopIteration
                self._host.check_reachable("follow events")
                event = self._take()
                if event is not None:
                    return event
                self._host.changed.wait(1)

    def _take(self) -> EngineEvent | None:
        for event in self._host.events[self._next :]:
            self._next += 1
            if event.at >= self._since:
                return event
        return None

    def close(self) -> None:
        """End the stream, from any thread."""
        with self._host.changed:
            self._closed = True
            self._host.changed.notify_all()
