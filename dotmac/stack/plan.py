"""From a manifest and an instance's facts to the networks, volumes and containers to run.

Pure: the same manifest and facts give the same plan, so that every worker that takes an operation
over computes the names that the one before it used.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from dotmac.engine.spec import Attachment, ContainerSpec, Mount, NetworkSpec, VolumeSpec
from dotmac.stack.errors import ManifestError, Problem
from dotmac.stack.manifest import Manifest, Service
from dotmac.stack.references import expand

_SHORT_ID_LENGTH = 12


@dataclass(frozen=True)
class InstanceFacts:
    """What is particular to one deployment of one instance.

    `instance_id` is a uuid in hex; `images` gives a service another image than the manifest's;
    `environment` comes from `resolve_environment`; without subnets the engine chooses.
    """

    instance_id: str
    deployment: int
    operation_id: str
    hostname: str
    base_url: str
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)
    images: Mapping[str, str] = field(default_factory=dict)
    front_subnet: str | None = None
    back_subnet: str | None = None

    def __post_init__(self) -> None:
        if not re.fullmatch(r"[0-9a-f]{32}", self.instance_id):
            raise ValueError("instance_id must be a uuid in hex: 32 lower-case digits.")
        if self.deployment < 1:
            raise ValueError("Deployments are numbered from 1 on.")

    @property
    def short_id(self) -> str:
        """The part of the instance's id that stands in names: its first 12 digits."""
        return self.instance_id[:_SHORT_ID_LENGTH]


@dataclass(frozen=True)
class Endpoint:
    """Where a container listens: its name, the network to reach it on, its port."""

    container: str
    network: str
    port: int


@dataclass(frozen=True)
class HealthProbe:
    """The request that decides whether a deployment is healthy."""

    endpoint: Endpoint
    path: str
    status: int
    timeout_s: int


@dataclass(frozen=True)
class StackPlan:
    """What to run. `stateful` containers survive deploys; `stateless` ones are made by each.

    A stateful container that is there is kept while its `dotmac.spec` label equals the plan's.
    The public endpoint is always on the front network.
    """

    front: NetworkSpec
    back: NetworkSpec
    volumes: tuple[VolumeSpec, ...]
    stateful: tuple[ContainerSpec, ...]
    stateless: tuple[ContainerSpec, ...]
    public: Endpoint
    health: HealthProbe
    release: ContainerSpec | None = None
    release_probe: ContainerSpec | None = None

    @property
    def networks(self) -> tuple[NetworkSpec, ...]:
        """The front and the back network."""
        return (self.front, self.back)

    @property
    def containers(self) -> tuple[ContainerSpec, ...]:
        """All long-running containers, the stateful ones first."""
        return self.stateful + self.stateless


def plan_stack(manifest: Manifest, *, instance: InstanceFacts) -> StackPlan:
    """Plan a deployment; raises ManifestError when a required setting or a service is missing."""
    problems = list(_missing(manifest, instance))
    if problems:
        raise ManifestError(problems)
    front = _network(instance, "front", instance.front_subnet)
    back = _network(instance, "back", instance.back_subnet)
    containers = {name: _container(manifest, instance, name) for name in sorted(manifest.services)}
    stateful = {name for name in manifest.services if manifest.is_stateful(name)}
    release, probe = _release(manifest, instance, containers)
    return StackPlan(
        front=front,
        back=back,
        volumes=tuple(_volume(manifest, instance, name) for name in sorted(manifest.volumes)),
        stateful=tuple(spec for name, spec in containers.items() if name in stateful),
        stateless=tuple(spec for name, spec in containers.items() if name not in stateful),
        public=_endpoint(manifest, containers, manifest.public_service),
        health=_health(manifest, containers),
        release=release,
        release_probe=probe,
    )


def _missing(manifest: Manifest, instance: InstanceFacts) -> Iterator[Problem]:
    for name in sorted(instance.images):
        if name not in manifest.services:
            yield Problem(f"images.{name}", "The manifest has no such service; name one it has.")
    for variable in manifest.environment:
        if (variable.required or variable.generate) and not instance.environment.get(variable.name):
            yield Problem(f"environment.{variable.name}", "This setting has no value; resolve it.")


def _network(instance: InstanceFacts, side: str, subnet: str | None) -> NetworkSpec:
    """The back network is internal: databases reach nothing outside their stack."""
    return NetworkSpec(
        name=_network_name(instance, side),
        internal=side == "back",
        subnet=subnet,
        labels=_ownership(instance),
    )


def _network_name(instance: InstanceFacts, side: str) -> str:
    return f"dm-{instance.short_id}-{side}"


def _volume(manifest: Manifest, instance: InstanceFacts, name: str) -> VolumeSpec:
    backup = "true" if manifest.volumes[name].backup else "false"
    labels = _ownership(instance) | {"dotmac.volume": name, "dotmac.backup": backup}
    return VolumeSpec(name=_volume_name(instance, name), labels=labels)


def _volume_name(instance: InstanceFacts, name: str) -> str:
    return f"dm-{instance.short_id}-{name}"


def _container(manifest: Manifest, instance: InstanceFacts, name: str) -> ContainerSpec:
    service = manifest.services[name]
    suffix = "" if manifest.is_stateful(name) else f"-{instance.deployment}"
    spec = ContainerSpec(
        name=f"dm-{instance.short_id}-{name}{suffix}",
        image=instance.images.get(name, service.image),
        command=service.command,
        entrypoint=service.entrypoint,
        environment=_environment(service, instance),
        networks=_attachments(service, instance, aliases=(name,)),
        mounts=_mounts(service, instance),
        memory_bytes=service.memory,
        nano_cpus=service.nano_cpus,
        pids_limit=service.pids,
        user=service.user,
        read_only=service.read_only,
        tmpfs=service.tmpfs,
        stop_timeout_s=service.stop_timeout,
    )
    return _labelled(spec, manifest, instance, name)


def _labelled(
    spec: ContainerSpec, manifest: Manifest, instance: InstanceFacts, service: str
) -> ContainerSpec:
    """Add the labels; the digest is of the bare container, so that it tells a real change."""
    bare = replace(spec, labels={})
    labels = _ownership(instance) | {
        "dotmac.deployment": str(instance.deployment),
        "dotmac.service": service,
        "dotmac.release": f"{manifest.name}@{manifest.version}",
        "dotmac.spec": bare.digest(),
    }
    return replace(bare, labels=labels)


def _ownership(instance: InstanceFacts) -> dict[str, str]:
    return {"dotmac.instance": instance.instance_id, "dotmac.operation": instance.operation_id}


def _environment(service: Service, instance: InstanceFacts) -> dict[str, str]:
    values = {
        **instance.environment,
        "HOSTNAME": instance.hostname,
        "BASE_URL": instance.base_url,
        "INSTANCE_ID": instance.instance_id,
    }
    expanded = {key: expand(text, values) for key, text in sorted(service.environment.items())}
    return {key: text for key, text in expanded.items() if text is not None}


def _attachments(
    service: Service, instance: InstanceFacts, *, aliases: tuple[str, ...]
) -> tuple[Attachment, ...]:
    back = Attachment(_network_name(instance, "back"), aliases=aliases)
    if service.public or service.egress:
        return (Attachment(_network_name(instance, "front")), back)
    return (back,)


def _mounts(service: Service, instance: InstanceFacts) -> tuple[Mount, ...]:
    return tuple(
        Mount(_volume_name(instance, volume), target)
        for volume, target in sorted(service.volumes.items())
    )


def _endpoint(manifest: Manifest, containers: Mapping[str, ContainerSpec], name: str) -> Endpoint:
    """Return the service's endpoint on the front network if it is there, else on the back one."""
    port, container = manifest.services[name].port, containers[name]
    if port is None:
        raise ManifestError([Problem(f"services.{name}.port", "This service needs a port.")])
    return Endpoint(container.name, container.networks[0].network, port)


def _health(manifest: Manifest, containers: Mapping[str, ContainerSpec]) -> HealthProbe:
    health = manifest.health
    endpoint = _endpoint(manifest, containers, manifest.health_service)
    return HealthProbe(endpoint, health.path, health.status, health.timeout_s)


def _release(
    manifest: Manifest, instance: InstanceFacts, containers: Mapping[str, ContainerSpec]
) -> tuple[ContainerSpec | None, ContainerSpec | None]:
    """Return the one-off containers of the release command and of its probe."""
    release = manifest.release
    if release is None:
        return None, None
    service, base = manifest.services[release.service], containers[release.service]

    def once(kind: str, command: tuple[str, ...]) -> ContainerSpec:
        # No alias: nobody may take the one-off for the service itself.
        networks = _attachments(service, instance, aliases=())
        name = f"dm-{instance.short_id}-{kind}-{instance.deployment}"
        spec = replace(base, name=name, command=command, networks=networks)
        return _labelled(spec, manifest, instance, kind)

    probe = once("release-probe", release.probe) if release.probe else None
    return once("release", release.command), probe
