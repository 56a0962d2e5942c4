"""Two tenants on one real host: what one's containers can reach of the other's."""

import json
import re
import socket
import subprocess
import sys
import threading
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import ip_network

import docker
import pytest

from dotmac.engine import Attachment, ContainerInfo, ContainerSpec, NetworkSpec
from dotmac.engine.docker import DockerEngine
from dotmac.engine.spec import MEBIBYTE
from tests.docker.busybox import busybox_image, remove_labelled
from tests.docker.shield import shield
from tests.dotmac.engine.scene import wait_until

pytestmark = pytest.mark.docker

SOCKET = "unix:///var/run/docker.sock"
PORT = "8080"
NO_WAY = re.compile("timed out|can't connect|unreachable|bad address")
SERVE = ("sh", "-c", f"echo hello > /tmp/index.html; exec httpd -f -p {PORT} -h /tmp")


@dataclass(frozen=True)
class Stack:
    """One tenant's web on front and back, its database on back alone."""

    front: NetworkSpec
    back: NetworkSpec
    web: ContainerInfo
    db: ContainerInfo


@pytest.fixture(scope="module")
def client() -> Iterator[docker.APIClient]:
    client = docker.APIClient(SOCKET, version="1.41")
    yield client
    client.close()


@pytest.fixture(scope="module")
def image(client: docker.APIClient) -> Iterator[str]:
    with busybox_image(client) as name:
        yield name


@pytest.fixture(scope="module")
def engine() -> Iterator[DockerEngine]:
    engine = DockerEngine(SOCKET)
    yield engine
    engine.close()


@pytest.fixture(scope="module")
def key(client: docker.APIClient) -> Iterator[str]:
    key = uuid.uuid4().hex[:8]
    yield key
    remove_labelled(client, f"dotmac.test={key}")


def _stack(engine: DockerEngine, image: str, key: str, tenant: str) -> Stack:
    labels = {"dotmac.test": key, "dotmac.tenant": tenant}
    front = NetworkSpec(f"dmtest-{key}-{tenant}-front", internal=False, labels=labels)
    back = NetworkSpec(f"dmtest-{key}-{tenant}-back", internal=True, labels=labels)
    engine.ensure_network(front)
    engine.ensure_network(back)
    web = ContainerSpec(
        f"dmtest-{key}-{tenant}-web",
        image,
        command=SERVE,
        labels=labels,
        networks=(Attachment(front.name, ("web",)), Attachment(back.name, ("web",))),
        memory_bytes=64 * MEBIBYTE,
        pids_limit=32,
        stop_timeout_s=1,
    )
    db = ContainerSpec(
        f"dmtest-{key}-{tenant}-db",
        image,
        command=SERVE,
        labels=labels,
        networks=(Attachment(back.name, ("db",)),),
        stop_timeout_s=1,
    )
    return Stack(front, back, engine.ensure_container(web), engine.ensure_container(db))


@pytest.fixture(scope="module")
def acme(engine: DockerEngine, image: str, key: str) -> Stack:
    stack = _stack(engine, image, key, "acme")
    wait_until(lambda: _reaches(engine, stack.web, "db"))
    return stack


@pytest.fixture(scope="module")
def initech(engine: DockerEngine, image: str, key: str) -> Stack:
    stack = _stack(engine, image, key, "initech")
    # From its own side it answers: what does not get through later is kept out, not late.
    wait_until(lambda: _reaches(engine, stack.web, "db"))
    wait_until(lambda: _reaches(engine, stack.db, "web"))
    return stack


def _reaches(engine: DockerEngine, source: ContainerInfo, host: str, port: str = PORT) -> bool:
    """Whether a container can open a TCP connection; a failure must be one of the network."""
    result = engine.exec(source.name, ("nc", "-w", "2", host, port))
    assert result.exit_code == 0 or NO_WAY.search(result.output), result.output
    return result.exit_code == 0


def test_within_one_stack_web_reaches_the_database_by_its_alias(
    engine: DockerEngine, acme: Stack
) -> None:
    page = engine.exec(acme.web.name, ("wget", "-q", "-O", "-", f"http://db:{PORT}/"))
    assert page.output == "hello\n"


def test_the_host_reaches_web_on_its_front_network(acme: Stack) -> None:
    address = (acme.web.addresses[acme.front.name], int(PORT))
    with socket.create_connection(address, timeout=5):
        pass


def test_another_tenant_s_containers_cannot_be_reached_by_address(
    engine: DockerEngine, acme: Stack, initech: Stack
) -> None:
    targets = [*initech.web.addresses.values(), *initech.db.addresses.values()]
    assert len(targets) == 3
    reached = [
        (source.name, address)
        for source in (acme.web, acme.db)
        for address in targets
        if _reaches(engine, source, address)
    ]
    assert reached == []


def test_another_tenant_s_names_are_not_known(
    engine: DockerEngine, acme: Stack, initech: Stack
) -> None:
    own = engine.exec(acme.web.name, ("nslookup", acme.db.name))
    assert acme.db.addresses[acme.back.name] in own.output
    for source in (acme.web, acme.db):
        found = engine.exec(source.name, ("nslookup", initech.web.name), timeout_s=30)
        assert not any(address in found.output for address in initech.web.addresses.values())


def test_an_alias_leads_to_one_s_own_stack_only(
    engine: DockerEngine, acme: Stack, initech: Stack
) -> None:
    for stack in (acme, initech):
        found = engine.exec(stack.web.name, ("nslookup", "db"))
        assert stack.db.addresses[stack.back.name] in found.output


def test_the_database_network_has_no_way_out_of_the_host(
    engine: DockerEngine, acme: Stack, world: str
) -> None:
    wait_until(lambda: _reaches(engine, acme.web, world))
    assert not _reaches(engine, acme.db, world)


@pytest.fixture
def world(key: str) -> Iterator[str]:
    """The address of a machine beyond the host, with a server on the usual port."""
    space, here, there = f"dmtest-{key}", "10.213.79.1", "10.213.79.2"
    inside = ("ip", "netns", "exec", space)
    _sh("ip", "netns", "add", space)
    _sh("ip", "link", "add", f"dmt{key}", "type", "veth", "peer", "name", "eth0", "netns", space)
    _sh("ip", "addr", "add", f"{here}/30", "dev", f"dmt{key}")
    _sh("ip", "link", "set", f"dmt{key}", "up")
    _sh(*inside, "ip", "addr", "add", f"{there}/30", "dev", "eth0")
    _sh(*inside, "ip", "link", "set", "eth0", "up")
    _sh(*inside, "ip", "route", "add", "default", "via", here)
    command = (*inside, sys.executable, "-m", "http.server", PORT)
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    yield there
    server.terminate()
    server.wait(10)
    _sh("ip", "netns", "del", space)


def _sh(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{command}: {done.stderr}"
    return done.stdout


def test_the_host_s_own_listeners_are_out_of_reach_but_for_the_edge(
    engine: DockerEngine, client: docker.APIClient, acme: Stack
) -> None:
    docker0 = _gateway(client, "bridge")
    with _Listener(docker0) as edge, _Listener(docker0) as other, shield(edge):
        assert _reaches(engine, acme.web, docker0, str(edge))
        assert not _reaches(engine, acme.web, docker0, str(other))
        for port in (edge, other):
            assert not _reaches(engine, acme.db, docker0, str(port))
        # What the host begins itself still gets its answer.
        address = (acme.web.addresses[acme.front.name], int(PORT))
        with socket.create_connection(address, timeout=5):
            pass


def _gateway(client: docker.APIClient, network: str) -> str:
    pool = client.inspect_network(network)["IPAM"]["Config"][0]
    # The engine's own bridge does not name it.
    return str(pool.get("Gateway") or next(ip_network(pool["Subnet"]).hosts()))


class _Listener:
    """A TCP listener of the host's own on one address."""

    def __init__(self, address: str) -> None:
        self._server = socket.create_server((address, 0))
        self._thread = threading.Thread(target=self._accept)

    def __enter__(self) -> int:
        self._thread.start()
        return int(self._server.getsockname()[1])

    def __exit__(self, *_: object) -> None:
        self._server.shutdown(socket.SHUT_RDWR)
        self._thread.join(5)
        self._server.close()

    def _accept(self) -> None:
        while True:
            try:
                self._server.accept()[0].close()
            except OSError:
                return


def test_a_listener_on_the_host_s_loopback_is_out_of_reach(
    engine: DockerEngine, client: docker.APIClient, acme: Stack
) -> None:
    with _Listener("127.0.0.1") as port:
        addresses = ("127.0.0.1", _gateway(client, acme.front.name), _gateway(client, "bridge"))
        reached = [one for one in addresses if _reaches(engine, acme.web, one, str(port))]
    assert reached == []


def test_nothing_is_published_on_the_host(
    client: docker.APIClient, acme: Stack, initech: Stack
) -> None:
    for container in (acme.web, acme.db, initech.web, initech.db):
        inspected = client.inspect_container(container.id)
        assert not any((inspected["NetworkSettings"]["Ports"] or {}).values())
        assert not inspected["HostConfig"]["PortBindings"]
        assert not inspected["HostConfig"]["PublishAllPorts"]
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", int(PORT))) != 0 or _is_not_ours()


def _is_not_ours() -> bool:
    """Something else on this machine may have the port: it does not answer as the stack does."""
    with socket.create_connection(("127.0.0.1", int(PORT)), timeout=2) as other:
        other.sendall(b"GET / HTTP/1.0\r\n\r\n")
        return b"hello" not in other.recv(4096)


def test_a_process_is_unprivileged_and_cannot_become_otherwise(
    engine: DockerEngine, acme: Stack
) -> None:
    for container in (acme.web, acme.db):
        status = engine.exec(container.name, ("cat", "/proc/1/status")).output
        fields = dict(line.split(":\t", 1) for line in status.splitlines() if ":\t" in line)
        assert set(fields["Uid"].split()) == {"10001"}
        assert set(fields["Gid"].split()) == {"10001"}
        for capabilities in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"):
            assert int(fields[capabilities], 16) == 0
        assert fields["NoNewPrivs"] == "1"


def test_the_root_file_system_cannot_be_written(engine: DockerEngine, acme: Stack) -> None:
    assert engine.exec(acme.web.name, ("touch", "/data/x"), user="0").exit_code != 0
    assert engine.exec(acme.web.name, ("touch", "/tmp/x")).exit_code == 0


def test_limits_and_log_rotation_are_set(client: docker.APIClient, acme: Stack) -> None:
    host = client.inspect_container(acme.web.id)["HostConfig"]
    assert host["Memory"] == 64 * MEBIBYTE
    assert host["MemorySwap"] in (64 * MEBIBYTE, -1)
    assert host["NanoCpus"] == 1_000_000_000
    assert host["PidsLimit"] == 32
    assert host["LogConfig"] == {
        "Type": "json-file",
        "Config": {"max-file": "3", "max-size": "10m"},
    }
    assert host["RestartPolicy"]["Name"] == "unless-stopped"
    assert host["Init"]


def test_a_fork_loop_ends_at_the_limit(engine: DockerEngine, image: str, key: str) -> None:
    bomb = ContainerSpec(
        f"dmtest-{key}-bomb",
        image,
        # A hundred at most, so that a limit that does not hold costs the machine nothing.
        command=("sh", "-c", "for i in $(seq 100); do sleep 5 & done; echo all started"),
        labels={"dotmac.test": key},
        pids_limit=16,
        stop_timeout_s=1,
    )
    result = engine.run(bomb, 60)
    assert result.exit_code != 0
    assert "all started" not in result.output
    assert "fork" in result.output


def test_the_sight_of_other_tenants_is_told_apart_by_labels(
    engine: DockerEngine, key: str, acme: Stack, initech: Stack
) -> None:
    found = engine.containers({"dotmac.test": key, "dotmac.tenant": "acme"})
    assert {one.id for one in found} == {acme.web.id, acme.db.id}
    assert json.dumps([one.name for one in found]).count("initech") == 0
