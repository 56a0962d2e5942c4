"""How much a key may ask: so many requests in each minute. Without a valid one an address may less.

Who waits for the turn of the minute may use two minutes' worth in a row.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import IPv6Address, ip_address

from allauth.account.adapter import get_adapter
from django.conf import settings
from django.core.cache import cache
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest

from apps.core.counting import count

WINDOW_S = 60
# Of which one household or server has all: whoever guesses changes among them.
_IPV6_NETWORK_BITS = 64
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
    policy: str = "default"

    @property
    def is_spent(self) -> bool:
        """Whether this request is one too many."""
        return self.used > self.limit

    @property
    def is_over(self) -> bool:
        """Whether the next request would be one too many."""
        return self.used >= self.limit

    def headers(self) -> dict[str, str]:
        """As in draft-ietf-httpapi-ratelimit-headers."""
        left = max(0, self.limit - self.used)
        return {
            "RateLimit-Policy": f'"{self.policy}";q={self.limit};w={WINDOW_S}',
            "RateLimit": f'"{self.policy}";r={left};t={self.reset_s}',
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
    window, reset_s = _window()
    used = count(f"api-used:{principal}:{window}", lasts_s=2 * WINDOW_S)
    return Allowance(_limit(), used, reset_s)


def take_unknown(request: HttpRequest) -> Allowance:
    """Count one request without a valid key, by the network that it comes from."""
    place, reset_s = _unknown(request)
    return _of_unknown(count(place, lasts_s=2 * WINDOW_S), reset_s)


def unknown_so_far(request: HttpRequest) -> Allowance:
    """What was counted of that network; counts nothing."""
    place, reset_s = _unknown(request)
    return _of_unknown(cache.get(place, 0), reset_s)


def _of_unknown(used: int, reset_s: int) -> Allowance:
    return Allowance(settings.API_REFUSALS_PER_MINUTE, used, reset_s, "address")


def _unknown(request: HttpRequest) -> tuple[str, int]:
    window, reset_s = _window()
    return f"api-unknown:{_network(request)}:{window}", reset_s


def _network(request: HttpRequest) -> str:
    """As the edge saw it; all together where it names none."""
    try:
        address = ip_address(get_adapter(request).get_client_ip(request))
    except (PermissionDenied, ValueError):
        return "-"
    if isinstance(address, IPv6Address):
        return f"{int(address) >> (128 - _IPV6_NETWORK_BITS):x}"
    return str(address)


def _window() -> tuple[int, int]:
    """The number of the minute, and the seconds that are left of it."""
    now = time.time()
    window = int(now // WINDOW_S)
    return window, max(1, round((window + 1) * WINDOW_S - now))


def _limit() -> int:
    known: int | None = cache.get(_KNOWN)
    if known is None:
        told = (source() for source in _sources)
        known = next((limit for limit in told if limit), settings.API_REQUESTS_PER_MINUTE)
        cache.set(_KNOWN, known, _KNOWN_S)
    return known
