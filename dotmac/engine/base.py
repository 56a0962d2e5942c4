"""The engine as the platform sees it: run a stack's containers on one host."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from dotmac.engine.spec import ContainerSpec, NetworkSpec, VolumeSpec

RUNNING = "running"
CREATED = "created"
EXITED = "exited"


@dataclass(frozen=True)
class EngineInfo:
    """A host as its engine describes it; None where something cannot be seen from here.

    `clock` is the time there when it answered, in UTC.
    """

    version: str
    api_version: str
    cpus: int
    memory_bytes: int
    containers: int
    disk_free_bytes: int | None = None
    clock: datetime | None = None


@dataclass(frozen=True)
class ImageInfo:
    """An image on the host; `size` in bytes."""

    id: str
    size: int


@dataclass(frozen=True)
class ContainerInfo:
    """A container as it stands; `exit_code` is None while it runs or before it ever did."""

    id: str
    name: str
    state: str
    image: str
    exit_code: int | None = None
    error: str = ""
    addresses: Mapping[str, str] = field(default_factory=dict)
    labels: Mapping[str, str] = field(default_factory=dict)
    started_at: datetime | None = None
    restart_count: int = 0

    @property
    def is_running(self) -> bool:
        """Whether its main process runs now."""
        return self.state == RUNNING


@dataclass(frozen=True)
class NetworkInfo:
    """A network as it stands."""

    id: str
    name: str
    internal: bool
    subnet: str | None = None
    labels: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class VolumeInfo:
    """A volume as it stands."""

    name: str
    labels: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class RunResult:
    """How a one-off container ended; `error` is the engine's word, such as out of memory."""

    exit_code: int
    output: str
    error: str = ""


@dataclass(frozen=True)
class ExecResult:
    """How a command inside a running container ended."""

    exit_code: int
    output: str


@dataclass(frozen=True)
class EngineEvent:
    """Something that happened on the host; `kind` is container, network, volume, image, daemon."""

    kind: str
    action: str
    id: str
    name: str
    labels: Mapping[str, str]
    at: datetime


class EventStream(Iterator[EngineEvent], Protocol):
    """Events as they happen; ends after `close`, raises EngineError when the engine goes away."""

    def close(self) -> None:
        """End the stream, from any thread."""


class Engine(Protocol):
    """One host's engine. Every method may be repeated, and raises EngineError."""

    def ping(self) -> EngineInfo:
        """Ask whether the engine answers, and what its host has."""

    def image(self, ref: str, *, pull: bool = False) -> ImageInfo:
        """Find an image on the host; only when asked, fetch a missing one from its registry."""

    def ensure_network(self, spec: NetworkSpec) -> NetworkInfo:
        """Make the network, or adopt the one of that name."""

    def ensure_volume(self, spec: VolumeSpec) -> VolumeInfo:
        """Make the volume, or adopt the one of that name with what is in it."""

    def ensure_container(self, spec: ContainerSpec) -> ContainerInfo:
        """Have this container running: adopt one of the same spec, replace one of another."""

    def start(self, name: str) -> None:
        """Start a stopped container."""

    def stop(self, name: str, timeout_s: int) -> None:
        """Stop a container, killing it after the timeout; a missing one is no error."""

    def remove_container(self, name: str) -> None:
        """Remove a container, running or not, with its anonymous volumes."""

    def remove_network(self, name: str) -> None:
        """Remove a network; a conflict while containers are attached to it."""

    def remove_volume(self, name: str) -> None:
        """Remove a volume and what is in it; a conflict while a container has it."""

    def container(self, name: str) -> ContainerInfo | None:
        """Look at one container; None when there is none of that name."""

    def containers(self, labels: Mapping[str, str]) -> tuple[ContainerInfo, ...]:
        """Every container, running or not, that carries all these labels."""

    def networks(self, labels: Mapping[str, str]) -> tuple[NetworkInfo, ...]:
        """Every network that carries all these labels."""

    def volumes(self, labels: Mapping[str, str]) -> tuple[VolumeInfo, ...]:
        """Every volume that carries all these labels."""

    def run(self, spec: ContainerSpec, timeout_s: float) -> RunResult:
        """Run a one-off to its end and remove it; adopts the same one, running or exited."""

    def exec(
        self,
        name: str,
        command: tuple[str, ...],
        *,
        user: str = "",
        environment: Mapping[str, str] | None = None,
        timeout_s: float = 60,
    ) -> ExecResult:
        """Run a command inside a running container; stdout and stderr come as one text."""

    def logs(self, name: str, tail_lines: int = 200) -> str:
        """The last lines that a container wrote to stdout and stderr."""

    def events(self, since: datetime | None = None) -> EventStream:
        """What happens on the host from `since` (aware), or from now on."""
