"""Counters in the cache, whose keys carry the schema: what is limited is counted by them."""

from django.core.cache import cache


def count(key: str, *, lasts_s: float, by: int = 1) -> int:
    """Add, and tell how many there are: one step on every backend."""
    try:
        return int(cache.incr(key, by))
    except ValueError:
        cache.add(key, 0, lasts_s)
        return int(cache.incr(key, by))
