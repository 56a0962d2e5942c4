"""What a version of a plan entitles to: a known name and a checked value each."""

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

from django.utils.formats import number_format
from django.utils.translation import gettext as _

from apps.billing.constants import DEDICATED, SHARED
from apps.billing.exceptions import EntitlementError
from apps.core.languages import grouped


def _count(value: Any) -> str:
    is_whole = isinstance(value, int) and not isinstance(value, bool)
    return "" if is_whole and 0 < value < 1 << 53 else _("a whole number above zero")


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
    "api_requests_per_minute": _count,
    "mails_per_day": _count,
}


def checked_entitlements(values: Mapping[str, Any]) -> dict[str, Any]:
    """The entitlements as they are stored; EntitlementError names the first that is wrong.

    `hosting` is shared or dedicated; `max_subscribers` and `max_instances` are counts;
    `memory_mb` and `disk_mb` are MiB, `cpu_millis` thousandths of a CPU over all instances;
    `down_kbps` and `up_kbps` are the speeds of a subscriber's service;
    `api_requests_per_minute` is what one API key may ask; `mails_per_day` are those of a console
    and of a workspace each, without those to sign in by.
    """
    for name, value in values.items():
        if name not in _EXPECTED:
            raise EntitlementError(
                _("“%(name)s” is no entitlement. Known are: %(list)s.")
                % {"name": name, "list": ", ".join(_EXPECTED)},
                field=name,
            )
        expected = _EXPECTED[name](value)
        if expected:
            raise EntitlementError(
                _("“%(name)s” must be %(expected)s, not %(value)s.")
                % {"name": name, "expected": expected, "value": repr(value)},
                field=name,
            )
    return dict(values)


def format_speed(kbps: int | None) -> str:
    """A speed for people: 100 Mbit/s, 1.5 Mbit/s, 1 Gbit/s; a dash when the plan names none."""
    if not kbps:
        return "–"
    for factor, unit in ((1_000_000, "Gbit/s"), (1_000, "Mbit/s"), (1, "kbit/s")):
        if kbps >= factor:
            return f"{(Decimal(kbps) / factor).normalize():f} {unit}"
    return "–"


def in_words(values: Mapping[str, Any]) -> list[str]:
    """The entitlements for people: "100 Mbit/s down", "up to 100 subscribers"."""
    words = {
        "hosting": _("%s hosting"),
        "max_subscribers": _("up to %s subscribers"),
        "max_instances": _("up to %s instances"),
        "memory_mb": _("%s MiB of memory"),
        "cpu_millis": _("%s CPU"),
        "disk_mb": _("%s MiB of disk"),
        "down_kbps": _("%s down"),
        "up_kbps": _("%s up"),
        "api_requests_per_minute": _("%s API requests a minute for each key"),
        "mails_per_day": _("%s mails a day"),
    }
    return [text % _shown(name, values[name]) for name, text in words.items() if name in values]


def _shown(name: str, value: Any) -> str:
    if name.endswith("_kbps"):
        return format_speed(value)
    if name == "cpu_millis":
        return number_format(Decimal(value) / 1000)
    return grouped(value) if isinstance(value, int) else str(value)
