"""Numbers and charts with sample content, for the gallery and the sample pages."""

from datetime import date
from typing import Any

from apps.portal.charts import Chart, Limit, Series, Stat, Way, compared, level
from apps.portal.ranges import TITLES, Range

_RANGE = Range(date(2026, 2, 3), date(2026, 3, 4), "30d")


def numbers() -> dict[str, Any]:
    """What partials/numbers.html needs."""
    return {
        "picked": _RANGE,
        "today": _RANGE.end,
        "ranges": [
            {"key": key, "title": title, "is_picked": key == _RANGE.key}
            for key, title in TITLES.items()
        ],
        "stats": _stats(),
        "charts": [_levels(), _turnover(), _rows(), _empty()],
        "limits": [Limit("Subscribers with an active service", 184, 250, "184 of 250", "#")],
    }


def _stats() -> list[Stat]:
    return [
        Stat("Active subscribers", "184", note="of 201", url="#"),
        compared("New subscribers", 38, 32, _RANGE, better="more", url="#"),
        level("Suspended services", 9, 6, _RANGE, better="less", url="#"),
        Stat("Monthly revenue", "6,402.80", unit="EUR", note="prices of active services", url="#"),
    ]


def _wave(start: int, step: int, swing: int) -> list[int]:
    """Numbers that grow, and waver over the week."""
    return [start + step * day + swing * (day % 7) for day in range(_RANGE.days)]


def _levels() -> Chart:
    return Chart(
        "sample-levels",
        title="184 services are active, 9 suspended",
        about="Services by status",
        labels=_RANGE.labels,
        series=[
            Series("Active", _wave(150, 1, 1)),
            Series("Suspended", _wave(6, 0, 1), "warn"),
            Series("Waiting for installation", _wave(2, 0, 2), "idle"),
        ],
        kind="line",
        unit="services",
        url="#",
    )


def _turnover() -> Chart:
    return Chart(
        "sample-turnover",
        title="Messages: 284 sent, 12 failed",
        about="Mails and text messages a day",
        labels=_RANGE.labels,
        series=[
            Series("Sent", _wave(6, 0, 1), "ok"),
            Series("Failed", [day % 9 // 7 for day in range(_RANGE.days)], "bad"),
        ],
        unit="messages",
        is_stacked=True,
        url="#",
    )


def _rows() -> Chart:
    return Chart(
        "sample-rows",
        title="Most are on Growth: 61",
        about="Organisations by plan, now",
        labels=["Growth", "Starter", "Scale"],
        series=[Series("", [61, 40, 12])],
        kind="rows",
        unit="organisations",
        url="#",
    )


def _empty() -> Chart:
    return Chart(
        "sample-empty",
        title="",
        about="Sign-ups a day",
        labels=_RANGE.labels,
        series=[Series("Sign-ups", [0] * _RANGE.days)],
        empty="Nobody signed up in this time.",
        way=Way("See the front page", "#"),
    )
