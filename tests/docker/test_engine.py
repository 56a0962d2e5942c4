"""The Docker engine keeps the contract, and heals what a real host does to it."""

import socket
import time
import uuid
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import docker
import pytest

from dotmac.engine import Attachment, ContainerSpec, EngineError, ErrorCode, NetworkSpec
from dotmac.engine import docker_containers as lifecycle
from dotmac.engine.docker import DockerEngine
from dotmac.engine.docker_client import negotiate
from dotmac.engine.docker_errors import from_text
from dotmac.engine.docker_wire import RESTART_NEVER, RESTART_SERVICE, container_config
from dotmac.engine.spec import MEBIBYTE, Mount
from tests.docker.busybox import busybox_image, remove_labelled
from tests.dotmac.engine.contract import EngineContract, wait_until

pytestmark = pytest.mark.docker

SOCKET = "unix:///var/run/docker.sock"


class DockerScene:
    """A corner of the real host, told apart by a label and a prefix."""

    def __init__(self, client: docker.APIClient, image: str) -> None:
        self.client = client
        self.image = image
        self.key = uuid.uuid4().hex[:8]
        self.labels = {"dotmac.test": self.key}

    def name(self, part: str) -> str:
        return f"dmtest-{self.key}-{part}"

    def service(self, part: str, **fields: Any) -> ContainerSpec:
        defaults = {"command": ("sleep", "600"), "labels": self.labels, "stop_timeout_s": 1}
        return ContainerSpec(self.name(part), self.image, **{**defaults, **fields})

    def command(
        self, part: str, *, output: str = "", exit_code: int = 0, lasts_s: float = 0
    ) -> ContainerSpec:
        script = f"echo '{output}'; sleep {lasts_s}; exit {exit_code}"
        return self.service(part, command=("sh", "-c", script))

    def answers(self, spec: ContainerSpec, output: str, exit_code: int) -> tuple[str, ...]:
        return ("sh", "-c", f"echo '{output}'; exit {exit_code}")

    def die_after_create(self, spec: ContainerSpec) -> None:
        # Only the create itself: on this API the other networks come in calls of their own.
        config = container_config(spec, restart=RESTART_SERVICE, networks=1)
        self.client.create_container_from_config(config, spec.name)

    def die_after_start(self, spec: ContainerSpec) -> None:
        lifecycle.begin_once(self.client, spec)

    def interrupt(self, spec: ContainerSpec) -> None:
        slow = ("sh", "-c", f"[ -e /data/done ] || {{ touch /data/done; sleep 600; }}; {spec.command[2]}")
        raise NotImplementedError(slow)
