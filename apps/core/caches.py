"""Redis with the process's own memory behind it: limits go on being counted while it is away.

What is kept here is counted tries and what was worked out, never the only copy of anything. While
Redis is away each process counts by itself, so a limit is at most as many times as wide as there
are processes; nobody is let past uncounted, and nobody is refused for it.
"""

import time
from collections.abc import Callable
from typing import Any

import structlog
from django.core.cache.backends.base import DEFAULT_TIMEOUT, BaseCache
from django.core.cache.backends.locmem import LocMemCache
from django.core.cache.backends.redis import RedisCache
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry

log = structlog.get_logger(__name__)
# Longer than any answer on a network of one's own; a request may ask a handful of times.
_PATIENCE_S = 0.5
# So long nobody asks again after Redis did not answer.
_AWAY_S = 5.0
_ENTRIES = 50_000


class SteadyCache(BaseCache):
    """Asks Redis, and its own memory while that does not answer."""

    def __init__(self, server: str, params: dict[str, Any]) -> None:
        super().__init__(params)
        options = {
            **params.get("OPTIONS", {}),
            "socket_connect_timeout": _PATIENCE_S,
            "socket_timeout": _PATIENCE_S,
            # The client's own patience would hold up a request for seconds.
            "retry": Retry(NoBackoff(), 0),
        }
        self.far = RedisCache(server, {**params, "OPTIONS": options})
        self.near = LocMemCache(server, {**params, "OPTIONS": {"MAX_ENTRIES": _ENTRIES}})
        self._away_until = 0.0

    def _do(self, act: Callable[[BaseCache], Any]) -> Any:
        if time.monotonic() >= self._away_until:
            try:
                return act(self.far)
            except (RedisError, OSError) as error:
                self._away_until = time.monotonic() + _AWAY_S
                log.warning("redis_away", error=type(error).__name__)
        return act(self.near)

    def add(
        self, key: str, value: Any, timeout: Any = DEFAULT_TIMEOUT, version: int | None = None
    ) -> bool:
        """Keep it unless something of that key is kept."""
        return bool(self._do(lambda one: one.add(key, value, timeout, version)))

    def get(self, key: str, default: Any = None, version: int | None = None) -> Any:
        """What is kept."""
        return self._do(lambda one: one.get(key, default, version))

    def set(
        self, key: str, value: Any, timeout: Any = DEFAULT_TIMEOUT, version: int | None = None
    ) -> None:
        """Keep it."""
        self._do(lambda one: one.set(key, value, timeout, version))

    def touch(self, key: str, timeout: Any = DEFAULT_TIMEOUT, version: int | None = None) -> bool:
        """Keep it for longer."""
        return bool(self._do(lambda one: one.touch(key, timeout, version)))

    def delete(self, key: str, version: int | None = None) -> bool:
        """Keep it no more."""
        return bool(self._do(lambda one: one.delete(key, version)))

    def has_key(self, key: str, version: int | None = None) -> bool:
        """Whether it is kept."""
        return bool(self._do(lambda one: one.has_key(key, version)))

    def incr(self, key: str, delta: int = 1, version: int | None = None) -> int:
        """Count in one step; ValueError where nothing is counted yet."""
        return int(self._do(lambda one: one.incr(key, delta, version)))

    def clear(self) -> None:
        """Keep nothing any more."""
        self.near.clear()
        self._do(lambda one: one.clear())
