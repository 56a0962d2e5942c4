"""Rows counted by the day of one of their times: one query, however many rows and days."""

from collections import defaultdict
from collections.abc import Mapping
from datetime import date
from typing import Any

from django.db.models import Aggregate, Count, F, QuerySet
from django.db.models.functions import TruncDate

from apps.portal.ranges import Range

ByDay = dict[date, int]


def by_day(
    rows: QuerySet[Any],
    at: str,
    picked: Range,
    *,
    group: str = "",
    of: Aggregate | None = None,
    is_open: bool = False,
    with_before: bool = False,
) -> dict[str, ByDay]:
    """Counts of the days of a range, for each value of `group`; `of` sums something instead.

    `is_open` goes on to now: what levels are reckoned back by. `with_before` begins with the
    range before, so that both are counted at once.
    """
    within = {f"{at}__gte": picked.before.since if with_before else picked.since}
    if not is_open:
        within[f"{at}__lt"] = picked.until
    rows = rows.filter(**within).order_by()
    if group:
        rows = rows.annotate(of_group=F(group))
    named = ("of_group",) if group else ()
    counted = rows.annotate(on_day=TruncDate(at)).values_list(*named, "on_day")
    found: dict[str, ByDay] = defaultdict(dict)
    for *groups, day, count in counted.annotate(counted=of or Count("pk")):
        found[str(groups[0]) if groups else ""][day] = count
    return found


def in_buckets(
    rows: QuerySet[Any], at: str, picked: Range, *, of: Aggregate | None = None
) -> list[int]:
    """Counts of a range's buckets, or sums of something."""
    return picked.fold(by_day(rows, at, picked, of=of).get("", {}))


def net(added: ByDay, removed: ByDay) -> ByDay:
    """Additions less removals."""
    return {day: added.get(day, 0) - removed.get(day, 0) for day in {*added, *removed}}


def together(groups: Mapping[str, ByDay]) -> ByDay:
    """The counts of all groups by day."""
    found: ByDay = defaultdict(int)
    for of_group in groups.values():
        for day, count in of_group.items():
            found[day] += count
    return found


def of_both(found: ByDay, picked: Range) -> tuple[int, int]:
    """What the range has, and the one before it, of counts that were made with both."""
    return picked.total(found), picked.before.total(found)
