"""What a version of a plan entitles to: a known name and a checked value each."""

from collections.abc import Callable, Mapping
from typing import Any

from apps.billing.constants import DEDICATED, SHARED
from apps.billing.exceptions import EntitlementError


def _count(value: Any) -> str:
    is_whole = isinstance(value, int) and not isinstance(value, bool)
    return "" if is_whole and 0 < value < 1 << 53 else "a whole number above zero"


def _one_of_hostings(value: Any) -> str:
    return "" if value in (SHARED, DEDICATED) else f"“{SHARED}” or “{DEDICATED}”"


# Each says what is expected when the value is wrong. Absent means: not limited by the plan.
_EXPECTED: dict[str, Callable[[Any], str]] = {
    "hosting": _one_of_hostings,
    "max_subscribers": _count,
    "max_instances": _count,
    "memory_mb": _count,
    "cpu_millis": _count,
    "disk_mb": _count,
    "down_kbps": _count,
    "up_kbps": _count,
}


def checked_entitlements(values: Mapping[str, Any]) -> dict[str, Any]:
    """The entitlements as they are stored; EntitlementError names the first that is wrong.

    `hosting` is shared or dedicated; `max_subscribers` and `max_instances` are counts;
    `memory_mb` and `disk_mb` are MiB, `cpu_millis` thousandths of a CPU over all instances;
    `down_kbps` and `up_kbps` are the speeds of a subscriber's service.
    """
    for name, value in values.items():
        if name not in _EXPECTED:
            raise EntitlementError(
                f"“{name}” is no entitlement. Known are: {', '.join(_EXPECTED)}.", field=name
            )
        expected = _EXPECTED[name](value)
        if expected:
            raise EntitlementError(f"“{name}” must be {expected}, not {value!r}.", field=name)
    return dict(values)
