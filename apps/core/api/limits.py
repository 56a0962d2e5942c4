"""How much a key may ask: so many requests in each minute.

A key that waits for the turn of the minute may use two minutes' worth in a row.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass

from django.conf import settings
from django.core.cache import cache

from apps.core.counting import count

WINDOW_S = 60
_KNOWN = "api-limit"
_KNOWN_S = 60
Source = Callable[[], int | None]
_sources: list[Source] = []


@dataclass(frozen=True)
class Allowance:
    """What is left of a limit, and after how many seconds it is whole again."""

    limit: int
    used: int
    reset_s: int

    @property
    def is_spent(self) -> bool:
        """Whether this request is one too many."""
        return self.used > self.limit

    def headers(self) -> dict[str, str]:
        """As in draft-ietf-httpapi-ratelimit-headers."""
        left = max(0, self.limit - self.used)
        return {
            "RateLimit-Policy": f'"default";q={self.limit};w={WINDOW_S}',
            "RateLimit": f'"default";r={left};t={self.reset_s}',
        }


def limit_source(source: Source) -> Source:
    """Register who knows the plan's limit in the current schema; None where it does not."""
    _sources.append(source)
    return source


def forget_limit() -> None:
    """Ask the sources again: the plan of the current schema has changed."""
    cache.delete(_KNOWN)


def take(principal: str) -> Allowance:
    """Count one request of a principal."""
    now = time.time()
    window = int(now // WINDOW_S)
    used = count(f"api-used:{principal}:{window}", lasts_s=2 * WINDOW_S)
    return Allowance(_limit(), used, max(1, round((window + 1) * WINDOW_S - now)))


def _limit() -> int:
    known: int | None = cache.get(_KNOWN)
    if known is None:
        told = (source() for source in _sources)
        known = next((limit for limit in told if limit), settings.API_REQUESTS_PER_MINUTE)
        cache.set(_KNOWN, known, _KNOWN_S)
    return known
