"""What work adds to the operator's first page: what runs, and what failed and needs a person."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

from django.db.models import (
    Count,
    DecimalField,
    Exists,
    ExpressionWrapper,
    F,
    OuterRef,
    QuerySet,
    Sum,
)
from django.db.models.fields import DurationField
from django.db.models.functions import Extract
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from apps.core.languages import grouped
from apps.portal.charts import Chart, Series, Stat, compared
from apps.portal.counting import ByDay, by_day, in_buckets, of_both, together
from apps.portal.needs import first_few, need
from apps.portal.outcomes import outcomes
from apps.portal.ranges import Range, range_of
from apps.portal.registry import on_admin_home
from apps.work import own_health
from apps.work.models import Due
from apps.work.registry import told_together

# Renewals and the like wait most of their life; only what a person started is shown.
_KIND = "operation"
_SHOWN = 5
_FAILED_WITHIN = timedelta(days=7)


@on_admin_home("public")
def operator_home(request: HttpRequest) -> dict[str, Any]:
    """What runs now, and what failed and was not done since."""
    if not request.user.has_perm("work.view"):
        return {}
    active = _active().order_by("created_at")
    work, picked = reverse("admin:work_due_changelist"), range_of(request)
    rows = Due.objects.filter(kind=_KIND)
    found = by_day(rows, "created_at", picked, group="state", with_before=True)
    return {
        "watched": [_("Nothing has failed.")],
        "operations": [_running_row(due) for due in active[:_SHOWN]],
        "needs": [
            *own_health.needs(work),
            *first_few(_failed(), _failed_row, listed=f"{work}?state__exact={Due.State.FAILED}"),
            *_counted(work),
        ],
        "stats": [
            *_stats(active.count(), found, picked, f"{work}?kind__exact={_KIND}"),
            *own_health.stats(work),
        ],
        "charts": [_outcomes(found, picked, work), _durations(picked)],
    }


def _stats(active: int, found: dict[str, ByDay], picked: Range, work: str) -> list[Stat]:
    done = _("%(count)s done in 24 hours") % {"count": grouped(_done().count())}
    begun, before = of_both(together(found), picked)
    return [
        Stat(
            _("Operations under way"),
            grouped(active),
            note=done,
            url=f"{work}&state__exact=running",
            order=40,
        ),
        compared(_("Operations begun"), begun, before, picked, url=work, order=45),
    ]


def _outcomes(found: dict[str, ByDay], picked: Range, work: str) -> Chart:
    state = Due.State
    return outcomes(
        "work-outcomes",
        found,
        (
            (state.DONE, _("Done"), "ok"),
            (state.FAILED, _("Failed"), "bad"),
            (state.CANCELLED, _("Cancelled"), "idle"),
        ),
        picked,
        title=_("Operations: %(done)s done, %(failed)s failed"),
        about=_("What became of those that began, %(per)s") % {"per": picked.per},
        unit=_("operations"),
        url=work,
        empty=_("No operation began in this time."),
        order=30,
    )


def _durations(picked: Range) -> Chart:
    """Sums and counts of days can be folded, where a median could not."""
    took = ExpressionWrapper(F("finished_at") - F("started_at"), DurationField())
    seconds = Sum(
        Extract(took, "epoch"), output_field=DecimalField(max_digits=20, decimal_places=3)
    )
    rows = Due.objects.filter(kind=_KIND, state=Due.State.DONE)
    rows = rows.filter(started_at__isnull=False, finished_at__isnull=False)
    sums = in_buckets(rows, "created_at", picked, of=seconds)
    counts = in_buckets(rows, "created_at", picked)
    means = [_mean(one, count) for one, count in zip(sums, counts, strict=True)]
    said = {"seconds": grouped(_mean(sum(sums), sum(counts)))}
    return Chart(
        "work-durations",
        title=_("An operation takes %(seconds)s s on average") % said,
        about=_("Average time of those that were done, from claim to end"),
        labels=picked.labels,
        series=[Series(_("Average time"), means)],
        kind="line",
        unit=_("seconds"),
        empty=_("No operation was done in this time."),
        order=35,
    )


def _mean(total: int | Decimal, count: int) -> Decimal:
    return round(Decimal(total) / count, 1) if count else Decimal(0)


def _active() -> QuerySet[Due]:
    states = (Due.State.QUEUED, Due.State.RUNNING, Due.State.WAITING)
    return Due.objects.filter(kind=_KIND, state__in=states)


def _done() -> QuerySet[Due]:
    since = timezone.now() - timedelta(hours=24)
    return Due.objects.filter(kind=_KIND, state=Due.State.DONE, finished_at__gte=since)


def _failed() -> QuerySet[Due]:
    """Failed lately, unless the same went through or runs again since."""
    since = timezone.now() - _FAILED_WITHIN
    later = Due.objects.filter(
        schema=OuterRef("schema"), title=OuterRef("title"), created_at__gt=OuterRef("created_at")
    )
    rows = Due.objects.filter(state=Due.State.FAILED, created_at__gte=since)
    rows = rows.exclude(kind__in=told_together())
    return rows.filter(~Exists(later)).order_by("-created_at")


def _running_row(due: Due) -> dict[str, Any]:
    text = due.shown_reason or due.get_state_display()
    return {
        "title": due.shown_title,
        "url": reverse("admin:work_due_change", args=[due.pk]),
        "progress": due.progress,
        "text": f"{due.schema}: {text}",
        "is_waiting": due.state == Due.State.WAITING,
    }


def _failed_row(due: Due) -> dict[str, Any]:
    text = f"{due.schema}: {due.shown_reason}" if due.reason else due.schema
    return need(due.shown_title, text, reverse("admin:work_due_change", args=[due.pk]), "bad")


def _counted(work: str) -> list[dict[str, Any]]:
    """One line for all failures of a kind that are not listed."""
    since = timezone.now() - _FAILED_WITHIN
    words = told_together()
    failed = Due.objects.filter(
        kind__in=words, state=Due.State.FAILED, finished_at__gte=since
    ).values_list("kind", flat=True)
    counts = failed.order_by("kind").annotate(count=Count("pk")).values_list("kind", "count")
    return [
        need(
            str(words[kind]) % {"count": grouped(count)},
            url=f"{work}?state__exact={Due.State.FAILED}&kind__exact={kind}",
        )
        for kind, count in counts
    ]
