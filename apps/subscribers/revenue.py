"""What active services bring in a month, by plan; amounts of two currencies are never added."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal

from django.db.models import Case, DecimalField, F, Max, Sum, Value, When
from django.db.models.functions import Cast
from django.urls import reverse
from django.utils.translation import gettext as _

from apps.billing.models import PlanVersion
from apps.billing.money import format_money, major_amount
from apps.portal.charts import Chart, Series, Stat
from apps.subscribers.models import Service

_EXACT = DecimalField(max_digits=40, decimal_places=12)
# More bars than these are summed up in one.
_MOST = 6


@dataclass(frozen=True)
class Revenue:
    """Flat prices of a plan's active services a month, in exact minor units of a currency."""

    currency: str
    plan: str
    minor: Decimal


def revenue_by_plan() -> list[Revenue]:
    """Of every plan in each of its currencies, the most first; one query."""
    flat = Cast("plan_version__flat_minor", _EXACT)
    monthly = Case(
        When(plan_version__period=PlanVersion.Period.YEAR, then=flat / Value(12)),
        default=flat,
        output_field=_EXACT,
    )
    sums = (
        Service.objects.active()
        .order_by()
        # Grouped by the number alone: names of ten thousand rows are slow to compare.
        .values(currency=F("plan_version__currency"), plan_id=F("plan_version__plan"))
        .annotate(minor=Sum(monthly), name=Max("plan_version__plan__name"))
        .order_by("currency", "-minor", "name")
    )
    return [Revenue(row["currency"], row["name"], row["minor"]) for row in sums]


def monthly_minor(revenue: Iterable[Revenue] | None = None) -> dict[str, int]:
    """What a month brings by currency, in whole minor units, rounded once, half up."""
    sums: dict[str, Decimal] = defaultdict(Decimal)
    for one in revenue_by_plan() if revenue is None else revenue:
        sums[one.currency] += one.minor
    return {currency: _whole(minor) for currency, minor in sums.items()}


def tiles(amounts: dict[str, int]) -> Iterable[Stat]:
    """A month's revenue in each currency."""
    for currency, minor in (amounts or {"": 0}).items():
        value = format_money(minor, currency) if currency else "–"
        note = _("prices of active services")
        yield Stat(_("Monthly revenue"), value, note=note, url=_active(), order=30)


def charts(revenue: Sequence[Revenue]) -> Iterable[Chart]:
    """What each plan brings a month, a chart for each currency."""
    for currency in dict.fromkeys(one.currency for one in revenue):
        bars = _bars([one for one in revenue if one.currency == currency])
        first, most = bars[0]
        said = {"plan": first, "amount": format_money(most, currency)}
        yield Chart(
            f"revenue-{currency.lower()}",
            title=_("%(plan)s brings most: %(amount)s a month") % said,
            about=_("Monthly revenue by plan, prices of active services"),
            labels=[plan for plan, _minor in bars],
            series=[Series("", [major_amount(minor, currency) for _plan, minor in bars])],
            kind="rows",
            unit=currency,
            url=_active(),
            empty=_("The active services cost nothing."),
            order=25,
        )


def _bars(revenue: Sequence[Revenue]) -> list[tuple[str, int]]:
    bars = [(one.plan, _whole(one.minor)) for one in revenue[:_MOST]]
    rest = sum((one.minor for one in revenue[_MOST:]), Decimal())
    return [*bars, (_("Other plans"), _whole(rest))] if rest else bars


def _whole(minor: Decimal) -> int:
    return int(minor.quantize(Decimal(1), rounding=ROUND_HALF_UP))


def _active() -> str:
    return reverse("admin:subscribers_service_changelist") + "?status__exact=active"
