"""Docker's JSON: specs rendered into it, and what the engine answers read out of it."""

import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from dotmac.engine.base import CREATED, RUNNING, ContainerInfo, EngineEvent, NetworkInfo, VolumeInfo
from dotmac.engine.spec import Attachment, ContainerSpec, NetworkSpec

Json = dict[str, Any]

FRONT_BRIDGE = "dm-f"
BACK_BRIDGE = "dm-b"
# Not the label of a plan, dotmac.spec: that one leaves out what differs from deploy to deploy.
DIGEST_LABEL = "dotmac.digest"
RESTART_SERVICE = "unless-stopped"
RESTART_NEVER = "no"

_LOGS = {"Type": "json-file", "Config": {"max-size": "10m", "max-file": "3"}}
_NOT_ENDED = (CREATED, RUNNING, "paused")
_NEVER = "0001-01-01"


def container_config(spec: ContainerSpec, *, restart: str, networks: int) -> Json:
    """The body of a create; only the first `networks` attachments, for engines that take one."""
    config: Json = {
        "Image": spec.image,
        "User": spec.user,
        "Env": [f"{key}={value}" for key, value in sorted(spec.environment.items())],
        "Labels": {**spec.labels, DIGEST_LABEL: spec.digest()},
        "StopTimeout": spec.stop_timeout_s,
        # The control plane probes; Docker's own checks saturate a host of forty containers.
        "Healthcheck": {"Test": ["NONE"]},
        "HostConfig": _host_config(spec, restart),
        "NetworkingConfig": {
            "EndpointsConfig": {
                place.network: endpoint_config(place) for place in spec.networks[:networks]
            }
        },
    }
    if spec.command:
        config["Cmd"] = list(spec.command)
    if spec.entrypoint:
        config["Entrypoint"] = list(spec.entrypoint)
    return config


def _host_config(spec: ContainerSpec, restart: str) -> Json:
    """Limits and hardening; nothing is published."""
    return {
        "Memory": spec.memory_bytes,
        # Equal to the memory: no swap on top of it.
        "MemorySwap": spec.memory_bytes,
        "NanoCpus": spec.nano_cpus,
        "PidsLimit": spec.pids_limit,
        "ReadonlyRootfs": spec.read_only,
        "Tmpfs": dict(_tmpfs(entry) for entry in spec.tmpfs),
        "CapDrop": ["ALL"],
        "CapAdd": list(spec.capabilities),
        "SecurityOpt": ["no-new-privileges"],
        "RestartPolicy": {"Name": restart},
        "Init": True,
        "LogConfig": _LOGS,
        "Mounts": [
            {
                "Type": "volume",
                "Source": mount.volume,
                "Target": mount.target,
                "ReadOnly": mount.read_only,
            }
            for mount in spec.mounts
        ],
        # Never the default bridge, where every tenant would meet.
        "NetworkMode": spec.networks[0].network if spec.networks else "none",
        "PortBindings": {},
        "PublishAllPorts": False,
    }


def _tmpfs(entry: str) -> tuple[str, str]:
    path, _, options = entry.partition(":")
    return path, options


def endpoint_config(place: Attachment) -> Json:
    """A container's place on a network."""
    config: Json = {"Aliases": list(place.aliases)}
    if place.ipv4:
        config["IPAMConfig"] = {"IPv4Address": place.ipv4}
    return config


def network_config(spec: NetworkSpec) -> Json:
    """The arguments of the SDK's create_network."""
    pools = {"Config": [{"Subnet": spec.subnet}]} if spec.subnet else None
    return {
        "name": spec.name,
        "driver": "bridge",
        "internal": spec.internal,
        "labels": dict(spec.labels),
        "options": {
            "com.docker.network.bridge.enable_icc": "true",
            "com.docker.network.bridge.name": bridge_name(spec),
        },
        "check_duplicate": True,
        "ipam": pools,
    }


def bridge_name(spec: NetworkSpec) -> str:
    """The host's interface of a network: by its prefix the firewall knows a stack's traffic.

    Two networks cannot have one bridge, so this also keeps names unique on engines before 1.44.
    """
    prefix = BACK_BRIDGE if spec.internal else FRONT_BRIDGE
    return prefix + hashlib.sha256(spec.name.encode()).hexdigest()[: 15 - len(prefix)]


def label_filter(labels: Mapping[str, str]) -> dict[str, list[str]]:
    """A list filter that asks for all of these labels."""
    return {"label": [f"{key}={value}" for key, value in sorted(labels.items())]}


def container_info(inspected: Json) -> ContainerInfo:
    """Read an inspected container."""
    state = inspected["State"]
    labels = inspected["Config"]["Labels"] or {}
    return ContainerInfo(
        id=inspected["Id"],
        name=inspected["Name"].removeprefix("/"),
        state=state["Status"],
        image=inspected["Config"]["Image"],
        exit_code=_exit_code(state),
        error=_error(state),
        addresses=_addresses(inspected),
        labels={key: value for key, value in labels.items() if key != DIGEST_LABEL},
        started_at=timestamp(state["StartedAt"]),
        restart_count=inspected["RestartCount"],
    )


def digest_of(inspected: Json) -> str:
    """The digest of the spec that a container was made from; empty when it is not ours."""
    return str((inspected["Config"]["Labels"] or {}).get(DIGEST_LABEL, ""))


def _exit_code(state: Json) -> int | None:
    return None if state["Status"] in _NOT_ENDED else int(state["ExitCode"])


def _error(state: Json) -> str:
    if state["OOMKilled"]:
        return "It was killed because it used more memory than its limit."
    return str(state["Error"])


def _addresses(inspected: Json) -> dict[str, str]:
    networks = inspected["NetworkSettings"]["Networks"] or {}
    return {
        name: endpoint["IPAddress"] for name, endpoint in networks.items() if endpoint["IPAddress"]
    }


def network_info(inspected: Json) -> NetworkInfo:
    """Read an inspected or listed network."""
    pools = inspected["IPAM"]["Config"] or [{}]
    return NetworkInfo(
        id=inspected["Id"],
        name=inspected["Name"],
        internal=inspected["Internal"],
        subnet=pools[0].get("Subnet"),
        labels=inspected["Labels"] or {},
    )


def volume_info(inspected: Json) -> VolumeInfo:
    """Read an inspected or listed volume."""
    return VolumeInfo(name=inspected["Name"], labels=inspected["Labels"] or {})


def engine_event(event: Json) -> EngineEvent:
    """Read an event; what follows a colon in an action is a command line, and stays out."""
    attributes = event["Actor"]["Attributes"] or {}
    return EngineEvent(
        kind=event["Type"],
        action=event["Action"].partition(":")[0],
        id=event["Actor"]["ID"],
        name=attributes.get("name", ""),
        labels=attributes,
        at=datetime.fromtimestamp(event["timeNano"] / 1e9, tz=UTC),
    )


def timestamp(text: str) -> datetime | None:
    """Read the engine's time, which writes year 1 for never."""
    if text.startswith(_NEVER) or not text:
        return None
    return datetime.fromisoformat(text)
