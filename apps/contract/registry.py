"""What a workspace meters: counted by whoever owns the rows."""

from collections.abc import Callable
from decimal import Decimal

Meter = Callable[[], int | Decimal]
_meters: dict[str, Meter] = {}


def meter(name: str) -> Callable[[Meter], Meter]:
    """Register the count of a meter in the current schema, by its published definition."""

    def register(count: Meter) -> Meter:
        _meters[name] = count
        return count

    return register


def read_meters() -> dict[str, str]:
    """Every meter's value now, as a decimal string."""
    return {name: str(count()) for name, count in sorted(_meters.items())}
