"""How a network comes to be; engines before API 1.44 allow two of one name."""

import docker
from docker.errors import APIError
from docker.utils import version_lt

from dotmac.engine import docker_wire as wire
from dotmac.engine.docker_wire import Json
from dotmac.engine.errors import EngineError, ErrorCode
from dotmac.engine.spec import NetworkSpec

_UNIQUE_NAMES = "1.44"


def ensure(client: docker.APIClient, spec: NetworkSpec) -> Json:
    """The one network of that name, made or adopted."""
    try:
        client.create_network(**wire.network_config(spec))
    except APIError as error:
        if error.status_code != 409:
            raise
    network = _settle(client, spec.name)
    if network["Internal"] != spec.internal:
        raise EngineError(
            f"Cannot use network {spec.name}: the one on the host "
            f"{'has no' if network['Internal'] else 'has a'} way out of it. Remove it first.",
            permanent=True,
            code=ErrorCode.CONFLICT,
        )
    return network


def _settle(client: docker.APIClient, name: str) -> Json:
    """Of several that were made at the same moment, every caller keeps the same one."""
    oldest, *doubles = sorted(named(client, name), key=lambda one: (one["Created"], one["Id"]))
    if version_lt(client.api_version, _UNIQUE_NAMES):
        for double in doubles:
            remove(client, double["Id"])
    return oldest


def named(client: docker.APIClient, name: str) -> list[Json]:
    """The networks of exactly that name; the engine's own filter matches parts of names."""
    return [one for one in client.networks(filters={"name": name}) if one["Name"] == name]


def remove(client: docker.APIClient, network_id: str) -> None:
    """Remove a network, which may be gone already."""
    try:
        client.remove_network(network_id)
    except APIError as error:
        if error.status_code != 404:
            raise
