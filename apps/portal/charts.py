"""What a dashboard shows, as data: numbers with what they were before, and charts.

Nobody's own queries are here. A chart is a table first: the browser draws it from the cells, and
whoever does not see the drawing reads them.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal

from django.utils.formats import number_format
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from apps.portal.ranges import Range

Number = int | Decimal
MINUS = "\N{MINUS SIGN}"


@dataclass(frozen=True)
class Series:
    """One line, or the bars of one colour; `tone` is one of the tokens: brand, ok, warn, …"""

    label: str
    values: Sequence[Number]
    tone: str = "brand"


@dataclass(frozen=True)
class Way:
    """Where an empty chart sends people who may do something about it."""

    title: str
    url: str


@dataclass(frozen=True)
class Chart:
    """A drawing of series over labels.

    `title` says what was found, `about` what is drawn. `kind` is bar, line, or rows (bars that
    lie, for things with names); `is_stacked` lays the series on each other.
    """

    key: str
    title: str
    about: str
    labels: Sequence[str]
    series: Sequence[Series]
    kind: str = "bar"
    unit: str = ""
    is_stacked: bool = False
    url: str = ""
    # What is said where there is nothing to draw.
    empty: str = ""
    way: Way | None = None
    order: int = 50

    @property
    def is_empty(self) -> bool:
        """Whether all of it is nothing."""
        return not any(value for one in self.series for value in one.values)

    @property
    def has_legend(self) -> bool:
        """Whether there are colours to tell apart."""
        return len(self.series) > 1

    @property
    def body(self) -> SafeString:
        """The rows of its table: each label with the values as the machine and people read them.

        By hand, since a home has hundreds of cells and a template takes its time for each.
        """
        cells = {
            value: format_html('<td data-value="{}">{}</td>', str(value), _shown(value))
            for value in {value for one in self.series for value in one.values}
        }
        rows = zip(self.labels, *(one.values for one in self.series), strict=True)
        return format_html_join(
            "\n",
            '<tr><th scope="row">{}</th>{}</tr>',
            (
                (label, format_html_join("", "{}", ((cells[one],) for one in row)))
                for label, *row in rows
            ),
        )


@dataclass(frozen=True)
class Stat:
    """A number with what it was before; `better` says which way is good: more, less or neither."""

    label: str
    value: str
    note: str = ""
    unit: str = ""
    tone: str = ""
    url: str = ""
    delta: str = ""
    trend: str = ""
    order: int = 50


@dataclass(frozen=True)
class Limit:
    """How much of something is used, of how much there may be."""

    label: str
    used: int
    allowed: int
    text: str
    url: str = ""
    order: int = 50

    @property
    def share(self) -> int:
        """In percent."""
        return min(100, 100 * self.used // max(self.allowed, 1))

    @property
    def tone(self) -> str:
        """Bad once nothing is left."""
        return "bad" if self.used >= self.allowed else "ok"


def compared(
    label: str,
    now: int,
    before: int,
    picked: Range,
    *,
    better: str = "",
    url: str = "",
    note: str = "",
    order: int = 50,
) -> Stat:
    """A count of the range with how it compares to the range before."""
    trend = "up" if now > before else "down" if now < before else "flat"
    good = {"up": "more", "down": "less"}.get(trend)
    tone = "" if not better or trend == "flat" else "ok" if better == good else "bad"
    return Stat(
        label=label,
        value=number_format(now, force_grouping=True),
        note=note or _before_in_words(before, picked),
        tone=tone,
        url=url,
        delta=_delta(now, before),
        trend=trend,
        order=order,
    )


def level(
    label: str,
    now: int,
    before: int,
    picked: Range,
    *,
    better: str = "",
    url: str = "",
    order: int = 50,
) -> Stat:
    """How many there are, with how many there were when the range began."""
    was = _("%(count)s when the %(range)s began")
    shown = {"count": number_format(before, force_grouping=True), "range": picked.title}
    if picked.key == "custom":
        was = _("%(count)s when that time began")
    note = was % shown
    return compared(label, now, before, picked, better=better, url=url, note=note, order=order)


def shares(pairs: Iterable[tuple[str, int]], *, tone: str = "brand") -> tuple[list[str], Series]:
    """Labels and the one series of a chart of rows."""
    found = list(pairs)
    return [label for label, _count in found], Series("", [count for _l, count in found], tone)


def _delta(now: int, before: int) -> str:
    """The change in percent; nothing where there was nothing to compare with."""
    if not before:
        return ""
    percent = round(100 * (now - before) / before)
    sign = "+" if percent > 0 else MINUS if percent < 0 else ""
    return f"{sign}{number_format(abs(percent), force_grouping=True)}\N{NO-BREAK SPACE}%"


def _before_in_words(before: int, picked: Range) -> str:
    if not before:
        none = ngettext("none in the day before", "none in the %(days)s days before", picked.days)
        return none % {"days": picked.days}
    count = number_format(before, force_grouping=True)
    words = ngettext(
        "%(count)s in the day before", "%(count)s in the %(days)s days before", picked.days
    )
    return words % {"count": count, "days": picked.days}


def _shown(value: Number) -> str:
    return number_format(value, force_grouping=True)
