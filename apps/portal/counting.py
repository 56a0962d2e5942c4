"""Rows counted by the day of one of their times: one query, however many rows and days."""

from collections import defaultdict
from datetime import date
from typing import Any

from django.db.models import Aggregate, Count, F, Q, QuerySet
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
) -> dict[str, ByDay]:
    """Counts of the days of a range, for each value of `group`; `of` sums something instead.

    `is_open` goes on to now: what levels are reckoned back by.
    """
    within = {f"{at}__gte": picked.since}
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


def two_ranges(rows: QuerySet[Any], at: str, picked: Range) -> tuple[int, int]:
    """How many rows the range has, and the one before it; one query."""
    spans = (("counted", picked), ("counted_before", picked.before))
    wanted = {
        name: Count("pk", filter=Q(**{f"{at}__gte": one.since, f"{at}__lt": one.until}))
        for name, one in spans
    }
    within = {f"{at}__gte": picked.before.since, f"{at}__lt": picked.until}
    found = rows.filter(**within).order_by().aggregate(**wanted)
    return found["counted"], found["counted_before"]
