"""How a network comes to be."""

from contextlib import suppress

import docker
from docker.errors import APIError

from dotmac.engine import docker_wire as wire
from dotmac.engine import fence
from dotmac.engine.docker_wire import Json
from dotmac.engine.errors import EngineError, ErrorCode
from dotmac.engine.spec import NetworkSpec

_ATTEMPTS = 5


def ensure(client: docker.APIClient, spec: NetworkSpec) -> Json:
    """The one network of that name, made or adopted; another worker may make it meanwhile."""
    refusal = None
    for _ in range(_ATTEMPTS):
        refusal = _create(client, spec)
        found = named(client, spec.name)
        if found:
            return _of_the_same_kind(spec, found[0])
        if refusal is not None and not _is_taken(refusal):
            raise refusal
    raise EngineError(
        f"Cannot create network {spec.name}, which is not there: {refusal and refusal.explanation}."
        " Others keep making and removing it, or the engine holds a broken one: restart it then.",
        permanent=False,
        code=ErrorCode.CONFLICT,
    )


def _create(client: docker.APIClient, spec: NetworkSpec) -> APIError | None:
    try:
        made = client.create_network(**wire.network_config(spec))
    except APIError as error:
        return error
    if fence.is_down():
        # It came too late. Whoever is in charge now has none of its containers there, or the
        # engine refuses.
        with fence.fenced(None), suppress(APIError):
            remove(client, made["Id"])
    return None


def _is_taken(refusal: APIError) -> bool:
    """Whether the name, or the bridge that follows from it, was somebody's at that moment."""
    return refusal.status_code == 409 or "same bridge name" in (refusal.explanation or "")


def _of_the_same_kind(spec: NetworkSpec, found: Json) -> Json:
    if found["Internal"] != spec.internal:
        raise EngineError(
            f"Cannot use network {spec.name}: the one on the host "
            f"{'has no' if found['Internal'] else 'has a'} way out of it. Remove it first.",
            permanent=True,
            code=ErrorCode.CONFLICT,
        )
    return found


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
