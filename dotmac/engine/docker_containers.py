"""How a container comes to be, on an engine that may be killed or shared at any moment."""

import time
from contextlib import suppress

import docker
from docker.errors import APIError, NotFound
from docker.utils import version_lt

from dotmac.engine import docker_wire as wire
from dotmac.engine import fence
from dotmac.engine.base import CREATED, EXITED, RUNNING
from dotmac.engine.docker_wire import Json
from dotmac.engine.errors import EngineError, ErrorCode
from dotmac.engine.spec import Attachment, ContainerSpec

_ATTEMPTS = 5
_REMOVAL_S = 30.0
_EVERY_NETWORK_IN_CREATE = "1.44"
_ADOPTABLE = (CREATED, EXITED, RUNNING, "restarting", "paused")
# Killed or terminated from outside, as when the engine stops: no verdict of the command itself.
_INTERRUPTED = (137, 143)


def obtain(client: docker.APIClient, spec: ContainerSpec, restart: str) -> tuple[str, Json | None]:
    """The id of a container made from this very spec, and how it stood if it was there before.

    Asks for a new one first, since that is the common case and saves a question.
    """
    for _ in range(_ATTEMPTS):
        try:
            return create(client, spec, restart), None
        except APIError as error:
            found = _existing(client, spec.name, error)
        if found is None:
            continue
        if wire.digest_of(found) == spec.digest() and found["State"]["Status"] in _ADOPTABLE:
            return found["Id"], found
        discard(client, found)
    raise EngineError(
        f"Cannot create container {spec.name}: others keep making one of that name. "
        "See what else uses this host.",
        permanent=False,
        code=ErrorCode.CONFLICT,
    )


def _existing(client: docker.APIClient, name: str, refusal: APIError) -> Json | None:
    """The container in the way of a create; re-raises a refusal that has another reason."""
    if refusal.status_code not in (404, 409):
        raise refusal
    found = inspect(client, name)
    # A running container outlives its image, so a missing image is no reason not to adopt.
    if found is None and refusal.status_code == 404:
        raise refusal
    return found


def create(client: docker.APIClient, spec: ContainerSpec, restart: str) -> str:
    """Create a container on all its networks; older engines take only the first in the call."""
    at_once = not version_lt(client.api_version, _EVERY_NETWORK_IN_CREATE)
    networks = len(spec.networks) if at_once else 1
    config = wire.container_config(spec, restart=restart, networks=networks)
    made: Json = client.create_container_from_config(config, spec.name)  # type: ignore[no-untyped-call]
    container_id = str(made["Id"])
    if fence.is_down():
        _withdraw(client, container_id)
    for place in spec.networks[networks:]:
        _connect(client, container_id, place)
    return container_id


def _withdraw(client: docker.APIClient, container_id: str) -> None:
    """Take back what was made too late, unless whoever is in charge now has started it."""
    with fence.fenced(None), suppress(APIError):
        client.remove_container(container_id, v=True)


def _connect(client: docker.APIClient, container_id: str, place: Attachment) -> None:
    client.connect_container_to_network(
        container_id, place.network, aliases=list(place.aliases), ipv4_address=place.ipv4
    )


def begin(client: docker.APIClient, spec: ContainerSpec, restart: str) -> str:
    """Have a container of this spec running; returns its id."""
    container_id, found = obtain(client, spec, restart)
    if found is None:
        client.start(container_id)
        return container_id
    try:
        resume(client, spec, found)
    except NotFound:
        # It hangs on a network that was removed, perhaps made anew: only a new one can start.
        discard(client, found)
        container_id = create(client, spec, restart)
        client.start(container_id)
    return container_id


def resume(client: docker.APIClient, spec: ContainerSpec, found: Json) -> None:
    """Start an adopted container where it was left, also between create and connect."""
    state = found["State"]["Status"]
    if state == "paused":
        client.unpause(found["Id"])
    elif state in (CREATED, EXITED):
        attached = found["NetworkSettings"]["Networks"]
        for place in spec.networks:
            if place.network not in attached:
                _connect(client, found["Id"], place)
        client.start(found["Id"])


def inspect(client: docker.APIClient, name: str) -> Json | None:
    """A container in full, or None."""
    try:
        found: Json = client.inspect_container(name)
    except NotFound:
        return None
    return found


def discard(client: docker.APIClient, found: Json) -> None:
    """Stop a container in its own time and remove it."""
    if found["State"]["Running"]:
        stop(client, found["Id"], found["Config"].get("StopTimeout") or 10)
    remove(client, found["Id"])


def stop(client: docker.APIClient, name: str, timeout_s: int) -> None:
    """Stop a container; one that is gone is stopped."""
    try:
        client.stop(name, timeout=timeout_s)
    except NotFound:
        return


def remove(client: docker.APIClient, name: str) -> None:
    """Remove a container; waits when somebody else is removing it already."""
    try:
        client.remove_container(name, v=True, force=True)
    except NotFound:
        return
    except APIError as error:
        if error.status_code != 409:
            raise
        _await_removal(client, name)


def _await_removal(client: docker.APIClient, name: str) -> None:
    deadline = time.monotonic() + _REMOVAL_S
    while inspect(client, name) is not None:
        if time.monotonic() > deadline:
            raise EngineError(
                f"Cannot remove container {name}: its removal does not come to an end.",
                permanent=False,
                code=ErrorCode.CONFLICT,
            )
        time.sleep(0.05)


def begin_once(client: docker.APIClient, spec: ContainerSpec) -> str:
    """Have a one-off started, unless it runs or has ended by itself already; returns its id."""
    container_id, found = obtain(client, spec, wire.RESTART_NEVER)
    if found is None:
        client.start(container_id)
    elif found["State"]["Status"] == CREATED:
        return begin(client, spec, wire.RESTART_NEVER)
    elif was_interrupted(found):
        discard(client, found)
        return begin(client, spec, wire.RESTART_NEVER)
    return container_id


def was_interrupted(found: Json) -> bool:
    """Whether a signal from outside ended it, rather than the command or its memory limit."""
    state = found["State"]
    return not state["Running"] and state["ExitCode"] in _INTERRUPTED and not state["OOMKilled"]
