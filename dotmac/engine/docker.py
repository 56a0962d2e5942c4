"""A host with a Docker engine, over its socket or TLS."""

import os
import shutil
import socket
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from typing import Any

import docker
import requests
from docker.errors import NotFound, create_api_error_from_http_exception
from urllib3.exceptions import ReadTimeoutError

from dotmac.engine import docker_containers as lifecycle
from dotmac.engine import docker_networks as networking
from dotmac.engine import docker_wire as wire
from dotmac.engine.base import (
    ContainerInfo,
    EngineInfo,
    ExecResult,
    ImageInfo,
    NetworkInfo,
    RunResult,
    VolumeInfo,
)
from dotmac.engine.docker_client import DockerConnection, TLSFiles
from dotmac.engine.docker_errors import engine_errors, from_text
from dotmac.engine.docker_streams import DockerEvents, read_frames
from dotmac.engine.errors import EngineError, ErrorCode
from dotmac.engine.spec import ContainerSpec, NetworkSpec, VolumeSpec

_OUTPUT_LINES = 2000


class DockerEngine:
    """One Docker engine, from API 1.41 on; may be shared by threads and survives a fork."""

    def __init__(
        self,
        base_url: str = "unix:///var/run/docker.sock",
        *,
        timeout_s: float = 60,
        tls: TLSFiles | None = None,
        pool_size: int = 16,
    ) -> None:
        self._connection = DockerConnection(
            base_url, timeout_s=timeout_s, tls=tls, pool_size=pool_size
        )

    def close(self) -> None:
        """Close the pooled connections."""
        self._connection.close()

    def ping(self) -> EngineInfo:
        """Ask whether the engine answers, and what its host has; one call."""
        with self._asking("reach the host") as client:
            info = client.info()
            return EngineInfo(
                version=info["ServerVersion"],
                api_version=client.api_version,
                cpus=info["NCPU"],
                memory_bytes=info["MemTotal"],
                containers=info["Containers"],
                disk_free_bytes=_disk_free(info["DockerRootDir"], info["Name"]),
                clock=wire.timestamp(info["SystemTime"]),
            )

    def image(self, ref: str, *, pull: bool = False) -> ImageInfo:
        """Find an image on the host; only when asked, fetch a missing one from its registry."""
        with self._asking(f"find image {ref}") as client:
            try:
                return _image(client, ref)
            except NotFound:
                if not pull:
                    raise
            _pull(client, ref)
            return _image(client, ref)

    def ensure_network(self, spec: NetworkSpec) -> NetworkInfo:
        """Make the network, or adopt the one of that name."""
        with self._asking(f"create network {spec.name}") as client:
            return wire.network_info(networking.ensure(client, spec))

    def ensure_volume(self, spec: VolumeSpec) -> VolumeInfo:
        """Make the volume, or adopt the one of that name; the engine does either in one call."""
        with self._asking(f"create volume {spec.name}") as client:
            return wire.volume_info(client.create_volume(spec.name, labels=dict(spec.labels)))

    def ensure_container(self, spec: ContainerSpec) -> ContainerInfo:
        """Have this container running: adopt one of the same spec, replace one of another."""
        with self._asking(f"start container {spec.name}") as client:
            container_id = lifecycle.begin(client, spec, wire.RESTART_SERVICE)
            return wire.container_info(client.inspect_container(container_id))

    def start(self, name: str) -> None:
        """Start a stopped container."""
        with self._asking(f"start container {name}") as client:
            client.start(name)

    def stop(self, name: str, timeout_s: int) -> None:
        """Stop a container, killing it after the timeout; a missing one is no error."""
        with self._asking(f"stop container {name}") as client:
            lifecycle.stop(client, name, timeout_s)

    def remove_container(self, name: str) -> None:
        """Remove a container, running or not, with its anonymous volumes."""
        with self._asking(f"remove container {name}") as client:
            lifecycle.remove(client, name)

    def remove_network(self, name: str) -> None:
        """Remove a network; a conflict while containers are attached to it."""
        with self._asking(f"remove network {name}") as client:
            for network in networking.named(client, name):
                networking.remove(client, network["Id"])

    def remove_volume(self, name: str) -> None:
        """Remove a volume and what is in it; a conflict while a container has it."""
        with self._asking(f"remove volume {name}") as client:
            try:
                client.remove_volume(name)
            except NotFound:
                return

    def container(self, name: str) -> ContainerInfo | None:
        """Look at one container; None when there is none of that name."""
        with self._asking(f"look at container {name}") as client:
            found = lifecycle.inspect(client, name)
            return wire.container_info(found) if found else None

    def containers(self, labels: Mapping[str, str]) -> tuple[ContainerInfo, ...]:
        """Every container with these labels; a call for the list and one for each."""
        with self._asking("list containers") as client:
            listed = client.containers(all=True, filters=wire.label_filter(labels))
            inspected = (lifecycle.inspect(client, one["Id"]) for one in listed)
            return tuple(wire.container_info(one) for one in inspected if one)

    def networks(self, labels: Mapping[str, str]) -> tuple[NetworkInfo, ...]:
        """Every network that carries all these labels."""
        with self._asking("list networks") as client:
            listed = client.networks(filters=wire.label_filter(labels))
            return tuple(wire.network_info(one) for one in listed)

    def volumes(self, labels: Mapping[str, str]) -> tuple[VolumeInfo, ...]:
        """Every volume that carries all these labels."""
        with self._asking("list volumes") as client:
            listed = client.volumes(filters=wire.label_filter(labels))["Volumes"] or []
            return tuple(wire.volume_info(one) for one in listed)

    def run(self, spec: ContainerSpec, timeout_s: float) -> RunResult:
        """Run a one-off to its end and remove it; adopts the same one, running or exited.

        One that was killed from outside says nothing about its command: that is an error which
        is not permanent, and the next call runs it anew.
        """
        with self._asking(f"run {spec.name}") as client:
            container_id = lifecycle.begin_once(client, spec)
            in_time = _wait(client, container_id, timeout_s)
            ended = client.inspect_container(container_id)
            output = _logs(client, container_id, _OUTPUT_LINES)
            if not in_time:
                lifecycle.remove(client, container_id)
                raise _too_slow(spec.name, timeout_s, output)
            if lifecycle.was_interrupted(ended):
                raise _interrupted(spec.name, output)
            lifecycle.remove(client, container_id)
            info = wire.container_info(ended)
            return RunResult(ended["State"]["ExitCode"], output, info.error)

    def exec(
        self,
        name: str,
        command: tuple[str, ...],
        *,
        user: str = "",
        environment: Mapping[str, str] | None = None,
        timeout_s: float = 60,
    ) -> ExecResult:
        """Run a command inside a running container; stdout and stderr come as one text.

        One that is silent for `timeout_s`, or still writes after it, is left behind: the engine
        offers no way to end it.
        """
        with self._asking(f"run a command in container {name}") as client:
            made = client.exec_create(
                name, list(command), user=user, environment=dict(environment or {})
            )
            output = _exec_output(client, made["Id"], name, timeout_s)
            ended = client.exec_inspect(made["Id"])
            return ExecResult(ended["ExitCode"], output)

    def logs(self, name: str, tail_lines: int = 200) -> str:
        """The last lines that a container wrote to stdout and stderr."""
        with self._asking(f"read the log of container {name}") as client:
            return _logs(client, name, tail_lines)

    def events(self, since: datetime | None = None) -> DockerEvents:
        """What happens on the host from `since` (aware), or from now on."""
        with self._asking("follow events") as client:
            # As text it keeps its fractions, which the SDK would drop.
            moment: Any = f"{since.timestamp():.6f}" if since else None
            stream = client.events(since=moment, decode=True)
            return DockerEvents(stream, self._connection.base_url)

    @contextmanager
    def _asking(self, what: str) -> Iterator[docker.APIClient]:
        """A client, with what it raises made an EngineError that says what was wanted."""
        try:
            with engine_errors(what, self._connection.base_url):
                yield self._connection.client()
        except EngineError as error:
            if error.code in (ErrorCode.UNREACHABLE, ErrorCode.UNSUPPORTED):
                self._connection.reset()
            raise


def _disk_free(root: str, host: str) -> int | None:
    """Free bytes where the engine keeps its files, if its host is this one.

    A socket is no proof: it may be the end of a tunnel.
    """
    is_here = host == socket.gethostname() and os.path.isdir(root)
    return shutil.disk_usage(root).free if is_here else None


def _image(client: docker.APIClient, ref: str) -> ImageInfo:
    found = client.inspect_image(ref)  # type: ignore[no-untyped-call]
    return ImageInfo(id=found["Id"], size=found["Size"])


def _pull(client: docker.APIClient, ref: str) -> None:
    """Fetch an image; the engine reports a failure inside a stream that began well."""
    for progress in client.pull(ref, stream=True, decode=True):
        if "error" in progress:
            raise from_text(f"fetch image {ref}", progress["error"])


def _wait(client: docker.APIClient, container_id: str, timeout_s: float) -> bool:
    """Wait for a container's end; False when it takes longer."""
    try:
        client.wait(container_id, timeout=timeout_s)  # type: ignore[arg-type]
    except requests.ReadTimeout:
        return False
    except requests.ConnectionError as error:
        if "Read timed out" not in str(error):
            raise
        return False
    return True


def _logs(client: docker.APIClient, name: str, tail_lines: int) -> str:
    return client.logs(name, tail=tail_lines).decode(errors="replace")


def _exec_output(client: docker.APIClient, exec_id: str, name: str, timeout_s: float) -> str:
    """Start a prepared command without a hijacked socket, and read it to its end."""
    response = client.post(
        f"{client.base_url}/v{client.api_version}/exec/{exec_id}/start",
        json={"Detach": False, "Tty": False},
        stream=True,
        timeout=timeout_s,
    )
    with response:
        try:
            response.raise_for_status()
        except requests.HTTPError as error:
            create_api_error_from_http_exception(error)
        try:
            output = read_frames(response.raw, time.monotonic() + timeout_s)
        except (TimeoutError, ReadTimeoutError) as error:
            raise _too_slow(f"a command in {name}", timeout_s, "") from error
    return output.decode(errors="replace")


def _too_slow(name: str, timeout_s: float, output: str) -> EngineError:
    return EngineError(
        f"Gave up on {name}: it did not end within {timeout_s:.4g} seconds.",
        permanent=True,
        code=ErrorCode.TIMED_OUT,
        output=output,
    )


def _interrupted(name: str, output: str) -> EngineError:
    return EngineError(
        f"{name} was stopped from outside before it ended, as when the engine restarts. "
        "It can be run again.",
        permanent=False,
        code=ErrorCode.FAILED,
        output=output,
    )
