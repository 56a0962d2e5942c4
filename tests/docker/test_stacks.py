"""Two ISPs' workspaces on one engine, as the platform deploys them: kept apart and kept small."""

import json
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from ipaddress import ip_network
from typing import Any

import docker
import pytest

from apps.marketplace.services import BUILT_IN
from dotmac.stack import parse_manifest
from dotmac.stack.yaml_source import load_yaml
from tests.docker.live_instance import LiveInstance
from tests.docker.shield import shield
from tests.live_platform import LivePlatform

pytestmark = pytest.mark.docker
_NO_ANSWER = re.compile("timeout expired|unreachable")
_CONNECT = """
import json, socket, sys
from concurrent.futures import ThreadPoolExecutor
def reaches(target):
    try:
        socket.create_connection(target, timeout=2).close()
    except OSError:
        return False
    return True
targets = [tuple(one) for one in json.loads(sys.argv[1])]
with ThreadPoolExecutor(len(targets)) as pool:
    found = list(pool.map(reaches, targets))
print(json.dumps([one for one, is_open in zip(targets, found) if is_open]))
"""


@pytest.fixture(scope="module")
def client() -> Iterator[docker.APIClient]:
    """The engine itself."""
    client = docker.APIClient("unix:///var/run/docker.sock", version="1.41")
    yield client
    client.close()


def _web(workspace: LiveInstance) -> str:
    return f"{workspace.short}-web-{workspace.deployments()[-1][0]}"


def _reached(workspace: LiveInstance, targets: list[tuple[str, int]]) -> list[list[Any]]:
    """To which of these addresses and ports the app's container can open a connection."""
    command = ("python", "-c", _CONNECT, json.dumps(targets))
    ran = workspace.engine.exec(_web(workspace), command)
    assert ran.exit_code == 0, ran.output
    found: list[list[Any]] = json.loads(ran.output)
    return found


def _is_cut_off(workspace: LiveInstance, addresses: list[str], port: int) -> bool:
    """Whether the database's container gets no answer at all from a port of these addresses."""

    def said(address: str) -> str:
        target = f"host={address} port={port} user=dotmac dbname=dotmac connect_timeout=2"
        asked = workspace.engine.exec(f"{workspace.short}-db", ("psql", target, "-c", "SELECT 1"))
        assert asked.exit_code != 0
        return asked.output

    with ThreadPoolExecutor(len(addresses)) as pool:
        return all(_NO_ANSWER.search(one) for one in pool.map(said, addresses))


def _addresses(workspace: LiveInstance) -> dict[str, str]:
    """Of all its containers on all their networks."""
    return {
        address: one.name for one in workspace.containers() for address in one.addresses.values()
    }


def test_one_isp_s_containers_do_not_reach_another_s(
    acme_workspace: LiveInstance, initech_workspace: LiveInstance
) -> None:
    own = list(_addresses(acme_workspace))
    theirs = list(_addresses(initech_workspace))
    assert len(own) == len(theirs) == 3
    # It can reach its own, so that what it does not reach is kept from it.
    assert len(_reached(acme_workspace, [(one, port) for one in own for port in (8000, 5432)])) == 3
    assert _reached(acme_workspace, [(one, port) for one in theirs for port in (8000, 5432)]) == []
    assert _is_cut_off(acme_workspace, theirs, 5432)


def test_containers_do_not_reach_the_platform_s_listeners_but_for_the_edge(
    platform: LivePlatform, acme_workspace: LiveInstance, client: docker.APIClient
) -> None:
    ports = platform.ports
    gateways = [_gateway(client, f"{acme_workspace.short}-{side}") for side in ("front", "back")]
    hosts = [*gateways, _gateway(client, "bridge"), "127.0.0.1"]
    # In the container 127.0.0.1 is its own, where it serves on 8000 alone.
    inner = [ports["web"], ports["database"], ports["ping"]]
    with shield(ports["http"], ports["https"]):
        assert _reached(acme_workspace, [(host, port) for host in hosts for port in inner]) == []
        assert _is_cut_off(acme_workspace, hosts[:3], ports["database"])
        assert acme_workspace.get() == 200


def _gateway(client: docker.APIClient, network: str) -> str:
    """The host's own address on a network."""
    subnet = client.inspect_network(network)["IPAM"]["Config"][0]["Subnet"]
    return str(next(ip_network(subnet).hosts()))


def test_every_container_is_unprivileged_limited_and_published_nowhere(
    client: docker.APIClient, acme_workspace: LiveInstance
) -> None:
    for container in acme_workspace.containers():
        found = client.inspect_container(container.id)
        host = found["HostConfig"]
        assert found["Config"]["User"] == "10001:10001"
        assert host["CapDrop"] == ["ALL"]
        assert not host["CapAdd"]
        assert host["SecurityOpt"] == ["no-new-privileges"]
        assert host["ReadonlyRootfs"]
        assert not host["Privileged"]
        assert not host["PortBindings"]
        assert not any((found["NetworkSettings"]["Ports"] or {}).values())
        assert host["PidsLimit"] == 256
        assert host["LogConfig"]["Config"] == {"max-file": "3", "max-size": "10m"}
        status = acme_workspace.engine.exec(container.name, ("cat", "/proc/1/status")).output
        fields = dict(line.split(":\t", 1) for line in status.splitlines() if ":\t" in line)
        assert set(fields["Uid"].split()) == {"10001"}
        assert {int(fields[f"Cap{kind}"], 16) for kind in ("Prm", "Eff", "Bnd", "Amb")} == {0}
        assert fields["NoNewPrivs"] == "1"
    wanted = parse_manifest(load_yaml((BUILT_IN / "dotmac-isp.yaml").read_text())).services
    for container in acme_workspace.containers():
        host = client.inspect_container(container.id)["HostConfig"]
        service = wanted[container.labels["dotmac.service"]]
        assert (host["Memory"], host["NanoCpus"]) == (service.memory, service.nano_cpus)


def test_the_network_of_the_database_is_internal(
    client: docker.APIClient, acme_workspace: LiveInstance
) -> None:
    short = acme_workspace.short
    back, front = (client.inspect_network(f"{short}-{side}") for side in ("back", "front"))
    assert back["Internal"]
    assert not front["Internal"]
    database = acme_workspace.engine.container(f"{short}-db")
    assert database is not None
    assert set(database.addresses) == {f"{short}-back"}
