"""What is to run on a host: plain values, which an engine turns into containers."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field

MEBIBYTE = 1024 * 1024
UNPRIVILEGED_USER = "10001:10001"


@dataclass(frozen=True)
class NetworkSpec:
    """A network of one stack; an internal one has no way out of the host."""

    name: str
    internal: bool
    subnet: str | None = None
    labels: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class VolumeSpec:
    """A volume of one stack."""

    name: str
    labels: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Attachment:
    """A container's place on a network; a fixed `ipv4` needs a network with a subnet."""

    network: str
    aliases: tuple[str, ...] = ()
    ipv4: str | None = None


@dataclass(frozen=True)
class Mount:
    """A volume at a path inside the container."""

    volume: str
    target: str
    read_only: bool = False


@dataclass(frozen=True)
class ContainerSpec:
    """One container; `nano_cpus` are billionths of a core, `tmpfs` entries "/path[:options]"."""

    name: str
    image: str
    command: tuple[str, ...] = field(default=(), kw_only=True)
    entrypoint: tuple[str, ...] = field(default=(), kw_only=True)
    environment: Mapping[str, str] = field(default_factory=dict, repr=False, kw_only=True)
    networks: tuple[Attachment, ...] = field(default=(), kw_only=True)
    mounts: tuple[Mount, ...] = field(default=(), kw_only=True)
    memory_bytes: int = field(default=256 * MEBIBYTE, kw_only=True)
    nano_cpus: int = field(default=1_000_000_000, kw_only=True)
    pids_limit: int = field(default=256, kw_only=True)
    user: str = field(default=UNPRIVILEGED_USER, kw_only=True)
    read_only: bool = field(default=True, kw_only=True)
    tmpfs: tuple[str, ...] = field(default=("/tmp",), kw_only=True)  # nosec B108
    labels: Mapping[str, str] = field(default_factory=dict, kw_only=True)
    stop_timeout_s: int = field(default=10, kw_only=True)
    capabilities: tuple[str, ...] = field(default=(), kw_only=True)

    def digest(self) -> str:
        """SHA-256 in hex over every field: equal specs have equal digests on every machine."""
        canonical = json.dumps(vars(self), default=_jsonable, sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(canonical.encode()).hexdigest()


def _jsonable(part: object) -> object:
    """What JSON does not know: the parts of a spec, and mappings other than dict."""
    return dict(part) if isinstance(part, Mapping) else vars(part)
