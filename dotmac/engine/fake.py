"""An engine in memory, with the contract of a real one, for tests that need no host.

Several FakeEngine may share one FakeHost, as several workers share a real host. What a test can
arrange: programs that print, exit, or never end; missing images; failures by method; a worker's
death at any point; a host that cannot be reached.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from ipaddress import IPv4Network, ip_network

from dotmac.engine.base import (
    CREATED,
    EXITED,
    RUNNING,
    ContainerInfo,
    EngineInfo,
    ExecResult,
    ImageInfo,
    NetworkInfo,
    RunResult,
    VolumeInfo,
)
from dotmac.engine.errors import EngineError, ErrorCode
from dotmac.engine.fake_host import FakeContainer, FakeEvents, FakeHost, Program
from dotmac.engine.spec import ContainerSpec, NetworkSpec, VolumeSpec

__all__ = ["FakeEngine", "FakeHost", "Killed", "Program"]

_POOL = ip_network("10.64.0.0/10")
_NETWORK_BITS = 26
_FOREVER_S = float("inf")


class Killed(BaseException):
    """The death of the calling worker, as sudden as kill -9: no `except Exception` sees it."""


@dataclass
class _Failure:
    error: BaseException
    times: int
    after: int

    def is_due(self) -> bool:
        """Count one call, and say whether this is one that fails."""
        if self.after > 0:
            self.after -= 1
            return False
        self.times -= 1
        return self.times >= 0


class FakeEngine:
    """One worker's view of a FakeHost.

    `calls` lists (method, name). `fail` and `kill` take a point: a method's name, which is before
    it does anything; "method:after"; and inside, "ensure_container:created", "run:created",
    "run:started".
    """

    def __init__(self, host: FakeHost | None = None) -> None:
        self.host = host or FakeHost()
        self.calls: list[tuple[str, str]] = []
        self._failures: dict[str, list[_Failure]] = {}

    def fail(
        self, point: str, error: EngineError | None = None, *, times: int = 1, after: int = 0
    ) -> None:
        """Raise at the next `times` passes of a point, after letting `after` of them pass."""
        error = error or EngineError(
            f"The engine failed at {point}, as the test asked.",
            permanent=False,
            code=ErrorCode.FAILED,
        )
        self._failures.setdefault(point, []).append(_Failure(error, times, after))

    def kill(self, point: str, *, after: int = 0) -> None:
        """Let the calling worker die at a point."""
        self._failures.setdefault(point, []).append(_Failure(Killed(point), 1, after))

    def end_container(self, name: str, exit_code: int, error: str = "") -> None:
        """Let a running container end by itself."""
        with self.host.changed:
            self._end(self.host.made[name], exit_code, error)

    def ping(self) -> EngineInfo:
        """What the host has."""
        with self._call("ping", ""):
            return replace(self.host.info, containers=len(self.host.made))

    def image(self, ref: str, *, pull: bool = False) -> ImageInfo:
        """Any image is there, except the missing ones; a pull brings none of those."""
        with self._call("image", ref):
            return self._image(ref)

    def ensure_network(self, spec: NetworkSpec) -> NetworkInfo:
        """Make the network, or adopt the one of that name."""
        with self._call("ensure_network", spec.name):
            found = self.host.networks.get(spec.name) or self._make_network(spec)
            if found.internal != spec.internal:
                raise _conflict(f"Network {spec.name} is of the other kind.", permanent=True)
            return found

    def ensure_volume(self, spec: VolumeSpec) -> VolumeInfo:
        """Make the volume, or adopt the one of that name."""
        with self._call("ensure_volume", spec.name):
            if spec.name not in self.host.volumes:
                self.host.volumes[spec.name] = VolumeInfo(spec.name, dict(spec.labels))
                self.host.emit("volume", "create", spec.name, spec.name)
            return self.host.volumes[spec.name]

    def ensure_container(self, spec: ContainerSpec) -> ContainerInfo:
        """Have this container running: adopt one of the same spec, replace one of another."""
        with self._call("ensure_container", spec.name):
            one = self._obtain(spec, "ensure_container")
            if not one.info.is_running:
                self._start(one, default_s=_FOREVER_S)
            return one.info

    def start(self, name: str) -> None:
        """Start a stopped container."""
        with self._call("start", name):
            one = self._found(name)
            if not one.info.is_running:
                self._start(one, default_s=_FOREVER_S)

    def stop(self, name: str, timeout_s: int) -> None:
        """Stop a container; a missing one is no error."""
        with self._call("stop", name):
            one = self.host.made.get(name)
            if one and one.info.is_running:
                self._end(one, 0, "")

    def remove_container(self, name: str) -> None:
        """Remove a container, running or not."""
        with self._call("remove_container", name):
            self._remove(name)

    def remove_network(self, name: str) -> None:
        """Remove a network; a conflict while running containers are attached to it."""
        with self._call("remove_network", name):
            if any(name in one.info.addresses for one in self.host.made.values()):
                raise _conflict(f"Network {name} has active endpoints.")
            if self.host.networks.pop(name, None):
                self.host.emit("network", "destroy", name, name)

    def remove_volume(self, name: str) -> None:
        """Remove a volume; a conflict while a container has it."""
        with self._call("remove_volume", name):
            mounts = (mount for one in self.host.made.values() for mount in one.spec.mounts)
            if any(mount.volume == name for mount in mounts):
                raise _conflict(f"Volume {name} is in use.")
            if self.host.volumes.pop(name, None):
                self.host.emit("volume", "destroy", name, name)

    def container(self, name: str) -> ContainerInfo | None:
        """Look at one container; None when there is none of that name."""
        with self._call("container", name):
            one = self.host.made.get(name)
            return one.info if one else None

    def containers(self, labels: Mapping[str, str]) -> tuple[ContainerInfo, ...]:
        """Every container that carries all these labels."""
        with self._call("containers", ""):
            infos = (one.info for one in self.host.made.values())
            return tuple(info for info in infos if _carries(info.labels, labels))

    def networks(self, labels: Mapping[str, str]) -> tuple[NetworkInfo, ...]:
        """Every network that carries all these labels."""
        with self._call("networks", ""):
            found = self.host.networks.values()
            return tuple(one for one in found if _carries(one.labels, labels))

    def volumes(self, labels: Mapping[str, str]) -> tuple[VolumeInfo, ...]:
        """Every volume that carries all these labels."""
        with self._call("volumes", ""):
            found = self.host.volumes.values()
            return tuple(one for one in found if _carries(one.labels, labels))

    def run(self, spec: ContainerSpec, timeout_s: float) -> RunResult:
        """Run a one-off to its end and remove it; takes no time, whatever its program says."""
        with self._call("run", spec.name):
            one = self._obtain(spec, "run")
            if one.info.state == CREATED:
                self._start(one, default_s=0)
            self._pass("run:started")
            program = self.host.program(spec)
            self._remove(spec.name)
            if (program.lasts_s or 0) > timeout_s:
                raise EngineError(
                    f"Gave up on {spec.name}: it did not end within {timeout_s:.4g} seconds.",
                    permanent=True,
                    code=ErrorCode.TIMED_OUT,
                    output=program.output,
                )
            return RunResult(program.exit_code, program.output, program.error)

    def exec(
        self,
        name: str,
        command: tuple[str, ...],
        *,
        user: str = "",
        environment: Mapping[str, str] | None = None,
        timeout_s: float = 60,
    ) -> ExecResult:
        """Answer by the host's `commands`, else with success and nothing."""
        with self._call("exec", name):
            if not self._found(name).info.is_running:
                raise _conflict(f"Container {name} is not running.")
            commands = self.host.commands
            return commands(name, command) if commands else ExecResult(0, "")

    def logs(self, name: str, tail_lines: int = 200) -> str:
        """The last lines of what its program writes."""
        with self._call("logs", name):
            output = self.host.program(self._found(name).spec).output
            return "".join(output.splitlines(keepends=True)[-tail_lines:])

    def events(self, since: datetime | None = None) -> FakeEvents:
        """What happens on the host from `since` (aware), or from now on."""
        with self._call("events", ""):
            return FakeEvents(self.host, since)

    @contextmanager
    def _call(self, method: str, name: str) -> Iterator[None]:
        with self.host.changed:
            self.calls.append((method, name))
            self.host.check_reachable(f"{method} {name}".strip())
            self._pass(method)
            yield
            self._pass(f"{method}:after")

    def _pass(self, point: str) -> None:
        for failure in self._failures.get(point, ()):
            if failure.is_due():
                raise failure.error

    def _image(self, ref: str) -> ImageInfo:
        if ref in self.host.missing_images:
            raise EngineError(
                f"Cannot find image {ref}: No such image: {ref}. "
                "Bring the image to the host first.",
                permanent=True,
                code=ErrorCode.MISSING_IMAGE,
            )
        return self.host.images.setdefault(ref, ImageInfo(self.host.new_id(), 50 * 1024**2))

    def _make_network(self, spec: NetworkSpec) -> NetworkInfo:
        subnet = spec.subnet or self._free_subnet()
        made = NetworkInfo(self.host.new_id(), spec.name, spec.internal, subnet, dict(spec.labels))
        self.host.networks[spec.name] = made
        self.host.emit("network", "create", made.id, spec.name)
        return made

    def _free_subnet(self) -> str:
        taken = {network.subnet for network in self.host.networks.values()}
        subnets = (str(subnet) for subnet in _POOL.subnets(new_prefix=_NETWORK_BITS))
        return next(subnet for subnet in subnets if subnet not in taken)

    def _obtain(self, spec: ContainerSpec, method: str) -> FakeContainer:
        found = self.host.made.get(spec.name)
        if found and found.spec.digest() == spec.digest():
            found.attached = len(spec.networks)
            return found
        self._image(spec.image)
        self._remove(spec.name)
        info = ContainerInfo(
            self.host.new_id(), spec.name, CREATED, spec.image, labels=dict(spec.labels)
        )
        self.host.made[spec.name] = one = FakeContainer(spec, info)
        self._emit(one, "create")
        self._pass(f"{method}:created")
        one.attached = len(spec.networks)
        return one

    def _start(self, one: FakeContainer, *, default_s: float) -> None:
        addresses = {
            place.network: place.ipv4 or self._free_address(place.network)
            for place in one.spec.networks[: one.attached]
        }
        now = datetime.now(UTC)
        one.info = replace(
            one.info, state=RUNNING, exit_code=None, addresses=addresses, started_at=now
        )
        self._emit(one, "start")
        program = self.host.program(one.spec)
        lasts_s = default_s if program.lasts_s is None else program.lasts_s
        if lasts_s == 0:
            self._end(one, program.exit_code, program.error)

    def _free_address(self, network: str) -> str:
        found = self.host.networks.get(network)
        if found is None:
            raise EngineError(
                f"Cannot start a container: network {network} not found.",
                permanent=True,
                code=ErrorCode.NOT_FOUND,
            )
        taken = {one.info.addresses.get(network) for one in self.host.made.values()}
        _gateway, *hosts = IPv4Network(found.subnet or "10.0.0.0/24").hosts()
        return next(str(host) for host in hosts if str(host) not in taken)

    def _end(self, one: FakeContainer, exit_code: int, error: str) -> None:
        one.info = replace(one.info, state=EXITED, exit_code=exit_code, error=error, addresses={})
        self._emit(one, "die")

    def _remove(self, name: str) -> None:
        one = self.host.made.pop(name, None)
        if one:
            self._emit(one, "destroy")

    def _found(self, name: str) -> FakeContainer:
        one = self.host.made.get(name)
        if one is None:
            raise EngineError(
                f"There is no container {name}.", permanent=True, code=ErrorCode.NOT_FOUND
            )
        return one

    def _emit(self, one: FakeContainer, action: str) -> None:
        self.host.emit("container", action, one.info.id, one.info.name, one.info.labels)


def _conflict(message: str, *, permanent: bool = False) -> EngineError:
    return EngineError(message, permanent=permanent, code=ErrorCode.CONFLICT)


def _carries(labels: Mapping[str, str], wanted: Mapping[str, str]) -> bool:
    return all(labels.get(key) == value for key, value in wanted.items())
