"""ISPs on the session's live platform; what they have on the engine goes when they do."""

import secrets
from collections.abc import Callable, Iterator

import pytest

from tests.docker.live_instance import LiveInstance
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

    def one(region: str = "local") -> LiveInstance:
        made.append(_sign_up(platform, "isp", region))
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


@pytest.fixture
def install(
    platform: LivePlatform, acme_workspace: LiveInstance
) -> Iterator[Callable[..., LiveInstance]]:
    """`install(app)` begins to deploy an app of the catalogue at Acme."""
    made: list[LiveInstance] = []

    def one(app: str, **environment: str) -> LiveInstance:
        schema = acme_workspace.schema
        facts = platform.act("install", schema=schema, app=app, environment=environment)
        made.append(_instance(platform, facts))
        return made[-1]

    yield one
    for instance in made:
        instance.remove()


def _deployed(platform: LivePlatform, name: str) -> Iterator[LiveInstance]:
    workspace = _sign_up(platform, name, "local")
    ended = workspace.wait_end()
    assert ended.status == "succeeded", f"{ended}\n{workspace.log()}"
    yield workspace
    workspace.remove()


def _sign_up(platform: LivePlatform, name: str, region: str) -> LiveInstance:
    slug = f"{name}-{secrets.token_hex(3)}"
    facts = platform.act("sign_up", slug=slug, plan="enterprise", region=region)
    return _instance(platform, facts)


def _instance(platform: LivePlatform, facts: dict[str, str]) -> LiveInstance:
    names = ("schema", "instance", "hostname", "operation")
    return LiveInstance(platform, *(facts[name] for name in names))
