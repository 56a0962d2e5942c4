"""The stretch of time that a dashboard shows: part of its address, so that it can be shared.

Days are those of the time zone in force. What is counted by day is folded into buckets, so that a
chart has about thirty points however long the stretch is.
"""

from bisect import bisect_left
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from django.http import HttpRequest
from django.utils import timezone
from django.utils.dateparse import parse_date
from django.utils.formats import date_format
from django.utils.functional import Promise, cached_property
from django.utils.translation import gettext_lazy, ngettext

_DAY = timedelta(days=1)
_DAYS = {"7d": 7, "30d": 30, "90d": 90}
_YEAR, _CUSTOM, _USUAL = "12m", "custom", "30d"
# Five years of months are the most that a chart holds.
_MOST_DAYS = 1826
_DAILY, _WEEKLY = 31, 190
# Under which name a request keeps what it asks for.
_KEPT = "picked_range"
# Nothing is older, and days before the calendar's first cannot be reckoned.
_FIRST = date(2000, 1, 1)
TITLES: dict[str, str | Promise] = {
    "7d": gettext_lazy("7 days"),
    "30d": gettext_lazy("30 days"),
    "90d": gettext_lazy("90 days"),
    _YEAR: gettext_lazy("12 months"),
}
PER = {
    "day": gettext_lazy("a day"),
    "week": gettext_lazy("a week"),
    "month": gettext_lazy("a month"),
}


@dataclass(frozen=True)
class Range:
    """Days from `start` to `end`, both of them in it, and how it was asked for."""

    start: date
    end: date
    key: str = _CUSTOM

    @property
    def days(self) -> int:
        """How many days it has."""
        return (self.end - self.start).days + 1

    @cached_property
    def since(self) -> datetime:
        """The moment it begins."""
        return _midnight(self.start)

    @cached_property
    def until(self) -> datetime:
        """The moment after it."""
        return _midnight(self.end + _DAY)

    @cached_property
    def before(self) -> "Range":
        """As many days just before it, to compare with."""
        return Range(self.start - timedelta(days=self.days), self.start - _DAY)

    @property
    def unit(self) -> str:
        """What a bucket is: a day, seven days, or a month of the calendar."""
        if self.days <= _DAILY:
            return "day"
        return "week" if self.days <= _WEEKLY else "month"

    @property
    def per(self) -> str:
        """The unit as the words at an axis say it."""
        return str(PER[self.unit])

    @property
    def title(self) -> str:
        """Its words: "30 days", or the first and the last day."""
        if self.key in TITLES:
            return str(TITLES[self.key])
        return f"{date_format(self.start)} – {date_format(self.end)}"

    @property
    def compared(self) -> str:
        """What numbers are compared with, in words."""
        words = ngettext("than in the day before", "than in the %(days)s days before", self.days)
        return words % {"days": self.days}

    @cached_property
    def buckets(self) -> list[tuple[date, date]]:
        """First and last day of each bucket, in order; weeks are counted back from the end."""
        if self.unit == "month":
            return self._months()
        step = timedelta(days=1 if self.unit == "day" else 7)
        ends = []
        end = self.end
        while end >= self.start:
            ends.append((max(self.start, end - step + _DAY), end))
            end -= step
        return ends[::-1]

    @cached_property
    def labels(self) -> list[str]:
        """What each bucket is called, in the language of whoever asks first."""
        shape = "M Y" if self.unit == "month" else "j M"
        return [date_format(first, shape) for first, _last in self.buckets]

    def total(self, by_day: Mapping[date, int]) -> int:
        """The sum of the range's days."""
        return sum(count for day, count in by_day.items() if self.start <= day <= self.end)

    def fold(self, by_day: Mapping[date, int]) -> list[int]:
        """The sum of each bucket."""
        lasts = [last for _first, last in self.buckets]
        sums = [0] * len(lasts)
        for day, count in by_day.items():
            if self.start <= day <= self.end:
                sums[bisect_left(lasts, day)] += count
        return sums

    def levels(self, now: int, changes: Mapping[date, int]) -> list[int]:
        """How many there were at the end of each bucket, reckoned back from how many there are.

        `changes` are additions less removals by day, up to today.
        """
        found = []
        left, level = sorted(changes.items()), now
        for _first, last in reversed(self.buckets):
            while left and left[-1][0] > last:
                level -= left.pop()[1]
            found.append(level)
        return found[::-1]

    def _months(self) -> list[tuple[date, date]]:
        found, first = [], self.start
        while first <= self.end:
            following = (first.replace(day=1) + timedelta(days=32)).replace(day=1)
            found.append((first, min(self.end, following - _DAY)))
            first = following
        return found


def range_of(request: HttpRequest) -> Range:
    """What the address asks for: `?range=90d`, or `?from=2026-01-01&to=2026-02-28`.

    It is the same one for all that draw a page, so that its labels are made once.
    """
    kept: dict[str, Range] = vars(request)
    if _KEPT not in kept:
        kept[_KEPT] = _asked(request)
    return kept[_KEPT]


def _asked(request: HttpRequest) -> Range:
    today = timezone.localdate()
    first, last = (_day(request.GET.get(name)) for name in ("from", "to"))
    if first and last:
        return _between(first, last, today)
    return _named(request.GET.get("range", _USUAL), today)


def _named(key: str, today: date) -> Range:
    if key == _YEAR:
        this = today.replace(day=1)
        year, month = (this.year, 1) if this.month == 12 else (this.year - 1, this.month + 1)
        return Range(date(year, month, 1), today, _YEAR)
    key = key if key in _DAYS else _USUAL
    return Range(today - timedelta(days=_DAYS[key] - 1), today, key)


def _between(first: date, last: date, today: date) -> Range:
    """Whichever way round they were given, and nothing of the future."""
    first, last = sorted(max(_FIRST, min(day, today)) for day in (first, last))
    return Range(max(first, last - timedelta(days=_MOST_DAYS - 1)), last)


def _day(text: str | None) -> date | None:
    try:
        return parse_date(text or "")
    except ValueError:
        return None


def _midnight(day: date) -> datetime:
    return timezone.make_aware(datetime.combine(day, time()))
