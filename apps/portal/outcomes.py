"""What became of rows that began in a range: a chart of their states."""

from collections.abc import Mapping, Sequence
from typing import Any

from apps.core.languages import grouped
from apps.portal.charts import Chart, Series
from apps.portal.counting import ByDay
from apps.portal.ranges import Range

# A state as the column has it, its word and the tone of its bars.
State = tuple[str, str, str]


def outcomes(
    key: str,
    found: Mapping[str, ByDay],
    states: Sequence[State],
    picked: Range,
    *,
    title: str,
    **chart: Any,
) -> Chart:
    """Counts of days by state (counting.by_day), the bars of a day on each other.

    `title` may name sums by their states: "%(done)s done"; `chart` is the rest of a Chart.
    """
    folded = {state: picked.fold(found.get(state, {})) for state, _word, _tone in states}
    return Chart(
        key,
        title=title % {state: grouped(sum(counts)) for state, counts in folded.items()},
        labels=picked.labels,
        series=[Series(word, folded[state], tone) for state, word, tone in states],
        is_stacked=True,
        **chart,
    )
