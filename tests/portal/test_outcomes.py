"""A chart of what became of rows that began in a range."""

from datetime import date, timedelta

from django.utils import timezone

from apps.portal.counting import by_day, of_both, together
from apps.portal.outcomes import outcomes
from apps.portal.ranges import Range
from apps.work.models import Due

STATES = (("done", "Done", "ok"), ("failed", "Failed", "bad"))


def make(state: str, days_ago: int) -> None:
    at = timezone.now() - timedelta(days=days_ago)
    Due.objects.create(
        schema="public", kind="x", subject=f"{state} {days_ago}", state=state, created_at=at,
        due_at=at,
    )  # fmt: skip


def test_rows_stand_on_their_day_by_their_state(
    operator_schema: None, django_assert_num_queries
) -> None:
    for state, days_ago in (("done", 0), ("done", 2), ("failed", 2), ("queued", 1), ("done", 9)):
        make(state, days_ago)
    today = timezone.localdate()
    picked = Range(today - timedelta(days=2), today)
    rows = Due.objects.filter(kind="x")
    with django_assert_num_queries(1):
        chart = outcomes(
            "x", by_day(rows, "created_at", picked, group="state"), STATES, picked,
            title="%(done)s done, %(failed)s failed", about="Work", unit="pieces",
        )  # fmt: skip
    assert chart.title == "2 done, 1 failed"
    assert [list(one.values) for one in chart.series] == [[1, 0, 1], [1, 0, 0]]
    assert [(one.label, one.tone) for one in chart.series] == [("Done", "ok"), ("Failed", "bad")]
    assert (chart.unit, chart.is_stacked, chart.is_empty) == ("pieces", True, False)


def test_nothing_is_an_empty_chart(operator_schema: None) -> None:
    picked = Range(date(2026, 1, 1), date(2026, 1, 3))
    chart = outcomes("x", {}, STATES, picked, title="%(done)s done", about="")
    assert (chart.is_empty, chart.title) == (True, "0 done")


def test_both_ranges_are_counted_at_once(operator_schema: None, django_assert_num_queries) -> None:
    for state, days_ago in (("done", 0), ("failed", 2), ("failed", 3), ("done", 5), ("done", 6)):
        make(state, days_ago)
    today = timezone.localdate()
    picked = Range(today - timedelta(days=2), today)
    rows = Due.objects.filter(kind="x")
    with django_assert_num_queries(1):
        found = by_day(rows, "created_at", picked, group="state", with_before=True)
    assert of_both(together(found), picked) == (2, 2)
    assert of_both(found["failed"], picked) == (1, 1)
    assert picked.fold(found["done"]) == [0, 0, 1]
