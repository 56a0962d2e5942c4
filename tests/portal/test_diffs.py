"""What is different between two values, in the lines that a page shows."""

from typing import Any

import pytest

from apps.portal.diffs import ADDED, FOLDED, REMOVED, SAME, Line, diff

MANY = [f"right {number}" for number in range(9)]


@pytest.mark.parametrize(
    ("before", "after", "lines"),
    [
        ("Fiber 100", "Fiber 500", [Line(REMOVED, "Fiber 100"), Line(ADDED, "Fiber 500")]),
        (False, True, [Line(REMOVED, "false"), Line(ADDED, "true")]),
        ([], ["a"], [Line(ADDED, "a")]),
        (["a", "b"], ["b"], [Line(REMOVED, "a"), Line(SAME, "b")]),
        (
            {"host": "a", "port": 25},
            {"host": "a", "port": 587},
            [Line(SAME, "host: a"), Line(REMOVED, "port: 25"), Line(ADDED, "port: 587")],
        ),
        ("one\ntwo", "one\n2", [Line(SAME, "one"), Line(REMOVED, "two"), Line(ADDED, "2")]),
        (None, "a", [Line(REMOVED, "null"), Line(ADDED, "a")]),
    ],
)
def test_values_are_told_apart_line_by_line(before: Any, after: Any, lines: list[Line]) -> None:
    assert diff(before, after) == lines


def test_what_is_the_same_is_folded_but_for_what_stands_near_a_change() -> None:
    assert diff(MANY, [*MANY[:4], "new", *MANY[5:]]) == [
        Line(FOLDED, "2"),
        Line(SAME, "right 2"),
        Line(SAME, "right 3"),
        Line(REMOVED, "right 4"),
        Line(ADDED, "new"),
        Line(SAME, "right 5"),
        Line(SAME, "right 6"),
        Line(FOLDED, "2"),
    ]
