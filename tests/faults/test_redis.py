"""Redis goes and comes back: limits go on being counted, and everybody signs in."""

import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from apps.core import caches as own
from apps.core.caches import SteadyCache
from dev.ports import free_port
from tests.faults.site import Site
from tests.live_platform import until

# The platform is set up within the first test.
pytestmark = pytest.mark.timeout(1200)


class Redis:
    """A server of the test's own, which keeps nothing."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.port = folder, free_port()
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """As REDIS_URL."""
        return f"redis://127.0.0.1:{self.port}/0"

    def start(self) -> None:
        """Start it and wait until it answers."""
        command = ["redis-server", "--port", str(self.port), "--bind", "127.0.0.1", "--save", ""]
        self._process = subprocess.Popen(
            [*command, "--dir", str(self.folder)],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        until(self._answers, what="Redis's start")

    def _answers(self) -> bool:
        cache = SteadyCache(self.url, {})
        cache.add("is-there", 1)
        return not cache._away_until

    def stop(self) -> None:
        """It dies."""
        if self._process is not None:
            self._process.kill()
            self._process.wait(30)
            self._process = None


@pytest.fixture
def redis(tmp_path: Path) -> Iterator[Redis]:
    """A Redis that runs."""
    made = Redis(tmp_path)
    made.start()
    yield made
    made.stop()


def test_counting_goes_on_without_redis_and_with_it_again(
    redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(own, "_AWAY_S", 0.5)
    cache = SteadyCache(redis.url, {"KEY_PREFIX": "test"})
    cache.set("tries", 1)
    assert cache.incr("tries") == 2
    assert SteadyCache(redis.url, {"KEY_PREFIX": "test"}).get("tries") == 2
    redis.stop()
    # By itself, from the beginning; and as strictly.
    assert cache.get("tries") is None
    assert cache.add("tries", 0)
    assert not cache.add("tries", 0)
    assert [cache.incr("tries") for _turn in range(3)] == [1, 2, 3]
    with pytest.raises(ValueError, match="not found"):
        cache.incr("other")
    assert cache.delete("tries")
    redis.start()
    time.sleep(0.6)
    cache.set("tries", 9)
    assert SteadyCache(redis.url, {"KEY_PREFIX": "test"}).get("tries") == 9


def test_a_redis_that_is_away_is_asked_once_in_a_while(
    redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache = SteadyCache(redis.url, {})
    redis.stop()
    asked = []
    far = cache.far.get
    monkeypatch.setattr(cache.far, "get", lambda *given: asked.append(1) or far(*given))
    for _turn in range(20):
        cache.get("x")
    assert len(asked) == 1


def test_people_sign_in_and_pages_open_while_redis_is_away(site: Site, redis: Redis) -> None:
    platform = site.platform
    platform.environment["REDIS_URL"] = redis.url
    try:
        platform.kill("web")
        platform.start_missing()
        assert site.sign_in().status == 302
        redis.stop()
        assert site.ask("/accounts/login/", cookie="").status == 200
        for path in ("/", "/admin/"):
            assert site.ask(path).status == 200, path
        assert site.sign_in().status == 302
        refused = site.post("/accounts/login/", {"login": "x@y.example", "password": "no"})
        assert refused.status in (200, 302)
        redis.start()
        assert site.sign_in().status == 302
    finally:
        del platform.environment["REDIS_URL"]
        platform.kill("web")
        platform.start_missing()
