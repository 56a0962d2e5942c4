"""The Docker engine keeps the contract, and heals what a real host does to it."""

import os
import signal
import socket
import subprocess
import tempfile
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import docker
import pytest

from dotmac.engine import Attachment, ContainerSpec, EngineError, ErrorCode, NetworkSpec
from dotmac.engine import docker_containers as lifecycle
from dotmac.engine.docker import DockerEngine
from dotmac.engine.docker_client import negotiate
from dotmac.engine.docker_errors import from_text
from dotmac.engine.docker_wire import RESTART_NEVER, container_config
from dotmac.engine.spec import MEBIBYTE, Mount
from tests.docker.busybox import busybox_image, remove_labelled
from tests.dotmac.engine.contract import EngineContract
from tests.dotmac.engine.scene import wait_until

pytestmark = pytest.mark.docker

SOCKET = "unix:///var/run/docker.sock"


class DockerScene:
    """A corner of the real host, told apart by a label and a prefix."""

    def __init__(self, client: docker.APIClient, image: str) -> None:
        self.client = client
        self.image = image
        self.key = uuid.uuid4().hex[:8]
        self.labels = {"dotmac.test": self.key}

    def name(self, part: str) -> str:
        return f"dmtest-{self.key}-{part}"

    def service(self, part: str, **fields: Any) -> ContainerSpec:
        defaults = {"command": ("sleep", "600"), "labels": self.labels, "stop_timeout_s": 1}
        return ContainerSpec(self.name(part), self.image, **{**defaults, **fields})

    def command(
        self, part: str, *, output: str = "", exit_code: int = 0, lasts_s: float = 0
    ) -> ContainerSpec:
        script = f"echo '{output}'; sleep {lasts_s}; exit {exit_code}"
        return self.service(part, command=("sh", "-c", script))

    def answers(self, spec: ContainerSpec, output: str, exit_code: int) -> tuple[str, ...]:
        return ("sh", "-c", f"echo '{output}'; exit {exit_code}")

    def die_after_create(self, spec: ContainerSpec) -> None:
        # Only the create itself: on this API the other networks come in calls of their own.
        config = container_config(spec, restart=RESTART_NEVER, networks=1)
        self.client.create_container_from_config(config, spec.name)

    def die_after_start(self, spec: ContainerSpec) -> None:
        lifecycle.begin_once(self.client, spec)

    def interrupt(self, spec: ContainerSpec) -> None:
        lifecycle.begin_once(self.client, spec)
        self.client.kill(spec.name)
        wait_until(lambda: not lifecycle.inspect(self.client, spec.name)["State"]["Running"])


@pytest.fixture(scope="module")
def client() -> Iterator[docker.APIClient]:
    client = docker.APIClient(SOCKET, version="1.41")
    yield client
    client.close()


@pytest.fixture(scope="module")
def image(client: docker.APIClient) -> Iterator[str]:
    with busybox_image(client) as name:
        yield name


@pytest.fixture
def engine() -> Iterator[DockerEngine]:
    engine = DockerEngine(SOCKET)
    yield engine
    engine.close()


@pytest.fixture
def scene(client: docker.APIClient, image: str) -> Iterator[DockerScene]:
    scene = DockerScene(client, image)
    yield scene
    remove_labelled(client, f"dotmac.test={scene.key}")


class TestDockerEngine(EngineContract):
    """The contract, on the real engine."""

    @pytest.fixture
    def another(self) -> Iterator[DockerEngine]:
        engine = DockerEngine(SOCKET)
        yield engine
        engine.close()


def test_a_socket_where_nobody_listens_is_a_temporary_error(tmp_path: Path) -> None:
    missing = DockerEngine(f"unix://{tmp_path}/none.sock")
    with socket.socket(socket.AF_UNIX) as bound:
        bound.bind(f"{tmp_path}/dead.sock")
        for engine in (missing, DockerEngine(f"unix://{tmp_path}/dead.sock")):
            _assert_unreachable(engine)


def test_a_closed_port_is_a_temporary_error() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        _assert_unreachable(DockerEngine(f"tcp://127.0.0.1:{unused.getsockname()[1]}"))


def test_an_engine_that_accepts_and_never_answers_is_a_temporary_error() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        _assert_unreachable(DockerEngine(f"tcp://127.0.0.1:{port}", timeout_s=0.3))


def _assert_unreachable(engine: DockerEngine) -> None:
    with pytest.raises(EngineError, match="does not answer") as caught:
        engine.ping()
    assert (caught.value.code, caught.value.permanent) == (ErrorCode.UNREACHABLE, False)


def test_an_engine_that_comes_back_is_used_again(tmp_path: Path) -> None:
    path = tmp_path / "engine.sock"
    engine = DockerEngine(f"unix://{path}")
    _assert_unreachable(engine)
    path.symlink_to("/var/run/docker.sock")
    assert engine.ping().version
    path.unlink()
    engine.close()
    _assert_unreachable(engine)


class OwnEngine:
    """A Docker engine of the test's own, that may be killed.

    It lives in a network namespace of its own: an engine without a bridge deletes the docker0
    that it finds, and that belongs to the machine's engine.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.url = f"unix://{folder}/s.sock"
        self._running: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        (self.folder / "pid").unlink(missing_ok=True)
        places = {"data-root": "data", "exec-root": "run", "pidfile": "pid"}
        with (self.folder / "log").open("ab") as log:
            self._running = subprocess.Popen(
                [
                    *("unshare", "--net", "dockerd"),
                    f"--host={self.url}",
                    *(f"--{option}={self.folder / place}" for option, place in places.items()),
                    *("--bridge=none", "--iptables=false", "--ip-forward=false"),
                    # Not by the folder: its random name may hold what a namespace must not.
                    f"--containerd-namespace=dm{os.getpid()}",
                ],
                stdout=log,
                stderr=log,
            )
        engine = DockerEngine(self.url)
        wait_until(lambda: _answers(engine), 60)

    def end(self, how: signal.Signals) -> None:
        assert self._running is not None
        companion = self._containerd()
        self._running.send_signal(how)
        self._running.wait(60)
        # A new engine would take the old one's dying containerd for one that it can use.
        wait_until(lambda: not companion.exists())

    def _containerd(self) -> Path:
        return Path("/proc") / (self.folder / "run/containerd/containerd.pid").read_text().strip()

    def unmount(self) -> None:
        """Undo the mount on its own data root, which it leaves when it was killed once."""
        mounts = [line.split()[1] for line in Path("/proc/mounts").read_text().splitlines()]
        for mount in reversed([one for one in mounts if one.startswith(f"{self.folder}/")]):
            subprocess.run(["umount", mount], check=True)


def _answers(engine: DockerEngine) -> bool:
    try:
        return bool(engine.ping().version)
    except EngineError:
        return False


@pytest.fixture
def own() -> Iterator[OwnEngine]:
    # Short, since a socket's path has 107 characters at most.
    with tempfile.TemporaryDirectory(prefix="dm-", dir="/tmp") as folder:
        own = OwnEngine(Path(folder))
        own.start()
        yield own
        own.end(signal.SIGTERM)
        own.unmount()


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL])
def test_what_an_engine_s_restart_interrupts_is_told_as_temporary_and_heals(
    own: OwnEngine, how: signal.Signals
) -> None:
    engine = DockerEngine(own.url)
    with busybox_image(docker.APIClient(own.url, version="1.41")) as image:
        service = ContainerSpec("web", image, command=("sleep", "600"), stop_timeout_s=1)
        release = ContainerSpec("release", image, command=("sh", "-c", "sleep 3; echo migrated"))
        engine.ensure_container(service)
        with ThreadPoolExecutor(2) as pool:
            running = pool.submit(engine.run, release, 60)
            following = pool.submit(list, engine.events())
            wait_until(lambda: engine.container("release") is not None)
            own.end(how)
            for interrupted in (running, following):
                with pytest.raises(EngineError) as caught:
                    interrupted.result(30)
                assert not caught.value.permanent
        own.start()
        assert engine.ensure_container(service).is_running
        assert engine.run(release, 60).output == "migrated\n"
        engine.remove_container("web")
        assert engine.containers({}) == ()


def test_a_registry_is_asked_only_when_the_caller_says_so(engine: DockerEngine) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        ref = f"127.0.0.1:{unused.getsockname()[1]}/web:1"
        with pytest.raises(EngineError) as caught:
            engine.image(ref)
        assert caught.value.code == ErrorCode.MISSING_IMAGE
        with pytest.raises(EngineError, match="connection refused") as caught:
            engine.image(ref, pull=True)
        assert not caught.value.permanent


def test_a_program_that_is_not_in_the_image_fails_with_its_name(
    engine: DockerEngine, scene: DockerScene
) -> None:
    result = engine.run(scene.service("release", command=("unheard-of",)), 30)
    assert result.exit_code == 127
    assert "unheard-of" in result.output


def test_a_service_that_keeps_crashing_is_seen_to(engine: DockerEngine, scene: DockerScene) -> None:
    spec = scene.command("web", output="no such table", exit_code=9)
    engine.ensure_container(spec)

    def is_crashing() -> bool:
        info = engine.container(spec.name)
        return info is not None and info.restart_count > 1 and info.exit_code == 9

    wait_until(is_crashing)
    assert "no such table" in engine.logs(spec.name)


def test_a_user_that_is_not_in_the_image_is_an_error(
    engine: DockerEngine, scene: DockerScene
) -> None:
    with pytest.raises(EngineError, match="nobody-here") as caught:
        engine.ensure_container(scene.service("web", user="nobody-here"))
    assert caught.value.permanent


def test_overlapping_subnets_are_a_permanent_conflict(
    engine: DockerEngine, scene: DockerScene
) -> None:
    first = NetworkSpec(scene.name("a"), True, "10.213.78.0/28", scene.labels)
    engine.ensure_network(first)
    with pytest.raises(EngineError) as caught:
        engine.ensure_network(replace(first, name=scene.name("b")))
    assert (caught.value.code, caught.value.permanent) == (ErrorCode.CONFLICT, True)


def test_a_one_off_over_its_memory_limit_says_so(engine: DockerEngine, scene: DockerScene) -> None:
    hog = scene.service(
        "hog",
        command=("sh", "-c", "head -c 64000000 /dev/zero > /tmp/hog"),
        memory_bytes=16 * MEBIBYTE,
    )
    result = engine.run(hog, 30)
    assert result.exit_code != 0
    assert "more memory than its limit" in result.error


def test_a_full_disk_is_a_permanent_error_with_its_cause() -> None:
    text = "mkdir /var/lib/docker/overlay2/x: no space left on device"
    error = from_text("start container web", text, 500)
    assert (error.code, error.permanent) == (ErrorCode.NO_SPACE, True)
    assert "Free disk space" in error.message


def test_an_exhausted_address_pool_says_what_to_do() -> None:
    text = (
        "could not find an available, non-overlapping IPv4 address pool "
        "among the defaults to assign to the network"
    )
    error = from_text("create network front", text, 500)
    assert error.code == ErrorCode.ADDRESSES_EXHAUSTED
    assert "default-address-pools" in error.message


@pytest.mark.parametrize(
    ("newest", "oldest", "spoken"),
    [("1.41", "1.12", "1.41"), ("1.45", "1.24", "1.45"), ("1.52", "1.44", "1.47")],
)
def test_both_sides_speak_a_version_they_know(newest: str, oldest: str, spoken: str) -> None:
    assert negotiate(newest, oldest) == spoken


def test_an_engine_that_is_too_old_is_refused() -> None:
    with pytest.raises(EngineError, match="upgrade it") as caught:
        negotiate("1.40", "1.12")
    assert caught.value.permanent


def test_a_silent_command_is_given_up(engine: DockerEngine, scene: DockerScene) -> None:
    spec = scene.service("web")
    engine.ensure_container(spec)
    with pytest.raises(EngineError, match="did not end") as caught:
        engine.exec(spec.name, ("sleep", "30"), timeout_s=0.5)
    assert caught.value.code == ErrorCode.TIMED_OUT


def test_a_long_output_keeps_its_end(engine: DockerEngine, scene: DockerScene) -> None:
    spec = scene.service("web")
    engine.ensure_container(spec)
    result = engine.exec(spec.name, ("seq", "1", "300000"))
    assert result.exit_code == 0
    assert result.output.endswith("299999\n300000\n")
    assert len(result.output) <= MEBIBYTE


def test_many_threads_share_one_engine(engine: DockerEngine, scene: DockerScene) -> None:
    specs = [scene.service(f"web{number}") for number in range(6)]
    with ThreadPoolExecutor(6) as pool:
        made = list(pool.map(engine.ensure_container, specs))
    assert [one.name for one in made] == [spec.name for spec in specs]
    assert all(one.is_running for one in made)


def test_a_spec_is_rendered_without_asking_an_engine() -> None:
    spec = ContainerSpec(
        "web",
        "web:1",
        command=("serve",),
        environment={"B": "2", "A": "1"},
        networks=(Attachment("front", ("web",)), Attachment("back", ipv4="10.0.0.2")),
        mounts=(Mount("media", "/media", read_only=True),),
        capabilities=("NET_BIND_SERVICE",),
        tmpfs=("/tmp:size=16m",),
    )
    config = container_config(spec, restart=RESTART_NEVER, networks=2)
    host = config["HostConfig"]
    assert config["Env"] == ["A=1", "B=2"]
    assert config["Cmd"] == ["serve"]
    assert config["Healthcheck"] == {"Test": ["NONE"]}
    assert config["NetworkingConfig"]["EndpointsConfig"] == {
        "front": {"Aliases": ["web"]},
        "back": {"Aliases": [], "IPAMConfig": {"IPv4Address": "10.0.0.2"}},
    }
    assert host["CapAdd"] == ["NET_BIND_SERVICE"]
    assert host["MemorySwap"] == host["Memory"] == spec.memory_bytes
    assert host["Tmpfs"] == {"/tmp": "size=16m"}
    assert host["NetworkMode"] == "front"
    assert host["RestartPolicy"] == {"Name": "no"}
