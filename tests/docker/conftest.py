"""ISPs on the session's live platform; what they have on the engine goes when they do."""

import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from dotmac.engine.docker import DockerEngine
from tests.docker.live_instance import LiveInstance, signed_up
from tests.docker.own_engine import OwnEngine
from tests.live_platform import LivePlatform

SignUp = Callable[..., LiveInstance]


@pytest.fixture
def platform(live_platform: LivePlatform) -> Iterator[LivePlatform]:
    """The session's platform, whole again after the test."""
    live_platform.start_missing()
    yield live_platform
    live_platform.start_missing()


@pytest.fixture
def sign_up(platform: LivePlatform) -> Iterator[SignUp]:
    """`sign_up()` makes an ISP whose dedicated workspace begins to be deployed."""
    made: list[LiveInstance] = []

    def one(region: str = "local", engine: DockerEngine | None = None) -> LiveInstance:
        made.append(signed_up(platform, "isp", region))
        if engine is not None:
            made[-1].engine = engine
        return made[-1]

    yield one
    for instance in made:
        instance.remove()


@pytest.fixture(scope="session")
def acme_workspace(live_platform: LivePlatform) -> Iterator[LiveInstance]:
    """Acme Fiber's dedicated workspace, deployed."""
    yield from _deployed(live_platform, "acme")


@pytest.fixture(scope="session")
def initech_workspace(live_platform: LivePlatform) -> Iterator[LiveInstance]:
    """Initech Wireless's, on the same engine."""
    yield from _deployed(live_platform, "initech")


@pytest.fixture(scope="session")
def own_engine(live_platform: LivePlatform) -> Iterator[OwnEngine]:
    """A machine of the tests' own, the server of the region that is named as its link."""
    # Short, since a socket's path has 107 characters at most.
    with tempfile.TemporaryDirectory(prefix="dm-", dir="/tmp") as folder:
        machine = OwnEngine(Path(folder), disk_mb=3000)
        try:
            machine.start_machine()
            machine.load("dotmac/app:0.1.0", "dotmac/postgres:0.1.0")
            live_platform.act(
                "add_server",
                name=machine.link,
                region=machine.link,
                engine_url=machine.url,
                address_prefix=machine.prefix,
            )
            yield machine
        finally:
            machine.remove()


def _deployed(platform: LivePlatform, name: str) -> Iterator[LiveInstance]:
    workspace = signed_up(platform, name)
    ended = workspace.wait_end()
    assert ended.status == "succeeded", f"{ended}\n{workspace.log()}"
    yield workspace
    workspace.remove()
