"""The time that a dashboard shows, and how counts are folded into it."""

from datetime import date, timedelta

import pytest
import time_machine
from django.test import RequestFactory

from apps.portal.charts import compared
from apps.portal.ranges import Range, range_of


@pytest.fixture(autouse=True)
def _today():
    with time_machine.travel("2026-03-15T12:00Z", tick=False):
        yield


def asked(rf: RequestFactory, query: str) -> Range:
    return range_of(rf.get(f"/admin/?{query}"))


@pytest.mark.parametrize(
    ("query", "start", "end"),
    [
        ("", "2026-02-14", "2026-03-15"),
        ("range=7d", "2026-03-09", "2026-03-15"),
        ("range=90d", "2025-12-16", "2026-03-15"),
        ("range=12m", "2025-04-01", "2026-03-15"),
        ("range=nonsense", "2026-02-14", "2026-03-15"),
        ("from=2026-01-01&to=2026-01-31", "2026-01-01", "2026-01-31"),
        # Whichever way round, and nothing of the future.
        ("from=2026-05-01&to=2026-03-01", "2026-03-01", "2026-03-15"),
        ("from=2026-02-30&to=2026-03-01", "2026-02-14", "2026-03-15"),
        ("from=1900-01-01&to=2026-03-15", "2021-03-16", "2026-03-15"),
        # The calendar's first day, and less than a date.
        ("from=0001-01-01&to=0001-01-01", "2000-01-01", "2000-01-01"),
        ("from=x&to=", "2026-02-14", "2026-03-15"),
    ],
)
def test_the_address_says_which_days(rf, query: str, start: str, end: str) -> None:
    picked = asked(rf, query)
    assert (str(picked.start), str(picked.end)) == (start, end)


@pytest.mark.parametrize("query", ["range=7d", "range=30d", "range=90d", "range=12m"])
def test_the_buckets_hold_every_day_once(rf, query: str) -> None:
    picked = asked(rf, query)
    days = [
        first + timedelta(days=n)
        for first, last in picked.buckets
        for n in range((last - first).days + 1)
    ]
    assert days == [picked.start + timedelta(days=n) for n in range(picked.days)]
    assert len(picked.labels) == len(picked.buckets) <= 31


def test_counts_are_folded_and_levels_reckoned_back() -> None:
    picked = Range(date(2026, 3, 13), date(2026, 3, 15))
    assert picked.fold({date(2026, 3, 13): 2, date(2026, 3, 15): 1, date(2026, 3, 1): 9}) == [
        2,
        0,
        1,
    ]
    changes = {date(2026, 3, 14): 3, date(2026, 3, 15): -1}
    assert picked.levels(10, changes) == [8, 11, 10]


def test_a_number_is_compared_with_as_many_days_before() -> None:
    picked = Range(date(2026, 3, 9), date(2026, 3, 15), "7d")
    assert picked.before == Range(date(2026, 3, 2), date(2026, 3, 8))
    more = compared("New", 15, 12, picked, better="more")
    assert (more.delta, more.trend, more.tone) == ("+25\N{NO-BREAK SPACE}%", "up", "ok")
    assert more.note == "12 in the 7 days before"
    worse = compared("Failed", 15, 12, picked, better="less")
    assert worse.tone == "bad"
    # Nothing to divide by.
    assert compared("New", 3, 0, picked).delta == ""
