"""What a server that was lost still has of the instances that were given up with it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from apps.fleet.models import Server
from apps.fleet.sightings import INSTANCE
from dotmac.engine import ContainerInfo, Engine, NetworkInfo, VolumeInfo


@dataclass(frozen=True)
class Leftovers:
    """Their names."""

    containers: tuple[str, ...]
    networks: tuple[str, ...]
    volumes: tuple[str, ...]
    running: int

    @property
    def names(self) -> list[str]:
        """All of them."""
        return sorted((*self.containers, *self.networks, *self.volumes))


def leftovers_of(server: Server, engine: Engine) -> Leftovers:
    """By their labels, so that nothing of another platform on the host is among them.

    EngineError where it does not answer.
    """
    starts = tuple(server.given_up)
    containers = [one for one in engine.containers({}) if _is_of(one.labels, starts)]
    return Leftovers(
        containers=_names(containers),
        networks=_names(one for one in engine.networks({}) if _is_of(one.labels, starts)),
        volumes=_names(one for one in engine.volumes({}) if _is_of(one.labels, starts)),
        running=sum(one.is_running for one in containers),
    )


def _is_of(labels: Mapping[str, str], starts: tuple[str, ...]) -> bool:
    # Of no starts at all nothing begins with one.
    return labels.get(INSTANCE, "").startswith(starts)


def _names(found: Iterable[ContainerInfo | NetworkInfo | VolumeInfo]) -> tuple[str, ...]:
    return tuple(sorted(one.name for one in found))
