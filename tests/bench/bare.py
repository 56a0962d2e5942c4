"""The floor of a deployment: a bare script with the Docker SDK that does nothing but the work.

It starts the same containers of the same images in parallel, writes a route file for the same
edge, and makes the same request until it answers.
"""

import json
import time
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any

import docker
from docker.errors import NotFound
from docker.types import LogConfig

from dotmac.engine.spec import ContainerSpec
from dotmac.stack import StackPlan
from tests.live_platform import APPS, LivePlatform


class BareStack:
    """One stack by hand."""

    def __init__(self, platform: LivePlatform, plan: StackPlan, number: int) -> None:
        self.platform, self.plan = platform, plan
        self.client = docker.APIClient(timeout=60)
        self.host = f"bare{number}.{APPS}"
        self.file = platform.folder / "edge" / f"bare{number}.yml"

    def deploy(self) -> float:
        """Seconds until the public address answers with a read of the database."""
        start = time.perf_counter()
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(self._network, self.plan.networks))
            addresses = dict(pool.map(self._container, self.plan.containers))
        self._route(addresses[self.plan.public.container])
        while self.platform.get(self.host, "/readyz").status != 200:
            time.sleep(0.03)
        return time.perf_counter() - start

    def remove(self) -> None:
        """Take it all away."""
        for spec in self.plan.containers:
            self._gone(self.client.remove_container, spec.name, force=True, v=True)
        for spec in self.plan.networks:
            self._gone(self.client.remove_network, spec.name)
        for volume in self.plan.volumes:
            self._gone(self.client.remove_volume, volume.name)
        self.file.unlink(missing_ok=True)

    def _gone(self, remove: Callable[..., None], name: str, **options: bool) -> None:
        with suppress(NotFound):
            remove(name, **options)

    def _network(self, spec: Any) -> None:
        pool = docker.types.IPAMPool(subnet=spec.subnet)
        ipam = docker.types.IPAMConfig(pool_configs=[pool])
        self.client.create_network(spec.name, internal=spec.internal, ipam=ipam)

    def _container(self, spec: ContainerSpec) -> tuple[str, str]:
        first, *others = spec.networks
        aliases = {n.network: list(n.aliases) for n in spec.networks}
        config = self.client.create_host_config(
            binds=[f"{m.volume}:{m.target}" for m in spec.mounts],
            mem_limit=spec.memory_bytes,
            memswap_limit=spec.memory_bytes,
            pids_limit=spec.pids_limit,
            cap_drop=["ALL"],
            security_opt=["no-new-privileges"],
            read_only=spec.read_only,
            tmpfs=dict.fromkeys(spec.tmpfs, ""),
            init=True,
            network_mode=first.network,
            log_config=LogConfig(type="json-file", config={"max-size": "10m", "max-file": "3"}),
        )
        endpoint = self.client.create_endpoint_config(aliases=aliases[first.network])
        made = self.client.create_container(
            spec.image,
            command=list(spec.command) or None,
            name=spec.name,
            user=spec.user,
            environment=dict(spec.environment),
            host_config=config,
            networking_config=self.client.create_networking_config({first.network: endpoint}),
        )
        for other in others:
            self.client.connect_container_to_network(
                made["Id"], other.network, aliases=aliases[other.network]
            )
        self.client.start(made["Id"])
        networks = self.client.inspect_container(made["Id"])["NetworkSettings"]["Networks"]
        return spec.name, networks[first.network]["IPAddress"]

    def _route(self, address: str) -> None:
        name = f"bare-{uuid.uuid4().hex[:8]}"
        url = f"http://{address}:{self.plan.public.port}"
        config = {
            "http": {
                "routers": {
                    name: {
                        "rule": f"Host(`{self.host}`)",
                        "entryPoints": ["https"],
                        "service": name,
                        "tls": {},
                        "priority": 10_000,
                    }
                },
                "services": {name: {"loadBalancer": {"servers": [{"url": url}]}}},
            }
        }
        part = Path(f"{self.file}.part")
        part.write_text(json.dumps(config))
        part.rename(self.file)
