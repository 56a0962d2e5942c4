"""What a stack takes of a host."""

from dataclasses import dataclass

from dotmac.stack.manifest import Manifest


@dataclass(frozen=True)
class Resources:
    """Memory and disk in bytes, CPU in billionths of a core."""

    memory_bytes: int
    nano_cpus: int
    disk_bytes: int


def resources(manifest: Manifest) -> Resources:
    """Return the sum over one deployment's services and volumes."""
    services = manifest.services.values()
    return Resources(
        memory_bytes=sum(service.memory for service in services),
        nano_cpus=sum(service.nano_cpus for service in services),
        disk_bytes=sum(volume.size for volume in manifest.volumes.values()),
    )
