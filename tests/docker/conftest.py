"""ISPs on the live platform of the session; their containers go at the end of each test."""

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
        slug = f"isp-{secrets.token_hex(3)}"
        facts = platform.act("sign_up", slug=slug, plan="business", region=region)
        return keep(facts)

    def keep(facts: dict[str, str]) -> LiveInstance:
        made.append(
            LiveInstance(
                platform, facts["schema"], facts["instance"], facts["hostname"], facts["operation"]
            )
        )
        return made[-1]

    yield one
    for instance in made:
        instance.remove()
