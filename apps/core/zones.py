"""Time zones: which there are, and for a while in one of them.

Moments are kept in UTC. In which zone a page or a mail says them is settled by whoever reads it
(accounts.zones); programs are told in UTC.
"""

from collections import defaultdict
from datetime import date, datetime, tzinfo
from functools import lru_cache
from importlib.resources import files
from pathlib import Path
from zoneinfo import TZPATH, ZoneInfo, ZoneInfoNotFoundError

from django.utils import timezone

Choice = tuple[str, str]


@lru_cache(maxsize=1)
def time_zones() -> tuple[Choice, ...]:
    """The canonical names of the time zone database."""
    names = sorted(name for zones in zones_by_country().values() for name in zones)
    return tuple((name, name.replace("_", " ")) for name in [*dict.fromkeys(names), "UTC"])


@lru_cache(maxsize=1)
def zones_by_continent() -> tuple[tuple[str, tuple[Choice, ...]], ...]:
    """The same for a menu: each continent or ocean with its zones. UTC is in none."""
    groups: dict[str, list[Choice]] = defaultdict(list)
    for name, shown in time_zones():
        continent, slash, place = shown.partition("/")
        if slash:
            groups[continent].append((name, place.replace("/", " – ")))
    return tuple((continent, tuple(zones)) for continent, zones in groups.items())


@lru_cache(maxsize=1)
def zones_by_country() -> dict[str, list[str]]:
    """Zones by ISO 3166 code as the time zone database lists them (zone.tab)."""
    zones: dict[str, list[str]] = defaultdict(list)
    for line in _zone_table().splitlines():
        if not line.startswith("#"):
            country, _place, name = line.split("\t")[:3]
            zones[country].append(name)
    return dict(zones)


def is_zone(name: str) -> bool:
    """Whether somebody can choose it."""
    return name in dict(time_zones())


def day_in(name: str, moment: datetime) -> date:
    """Which day it is then in a time zone; in UTC where there is no such one."""
    return moment.astimezone(_zone_named(name)).date()


def in_zone(name: str) -> timezone.override:
    """For a while in a time zone; in UTC where there is no such one (any more)."""
    return timezone.override(_zone_named(name))


def _zone_named(name: str) -> tzinfo:
    try:
        return ZoneInfo(name or "UTC")
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return ZoneInfo("UTC")


def _zone_table() -> str:
    """The table where zoneinfo looks too: the system's, or the tzdata package's."""
    for folder in TZPATH:
        table = Path(folder) / "zone.tab"
        if table.is_file():
            return table.read_text(encoding="utf-8")
    return files("tzdata").joinpath("zoneinfo/zone.tab").read_text(encoding="utf-8")
