"""Whether what happened is sealed, and whether no record is shorter than its mark says."""

from collections.abc import Iterator

from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop

from apps.core.health import SOON_S, Finding, check, problem, some
from apps.tenancy.across import ask_schemas
from apps.tenancy.models import Tenant
from apps.work.models import Mark

_LATE_S = 600
_TABLE = ("events_event",)
# By the index of unsealed events, which is nearly empty.
_UNSEALED = f"""
    SELECT count(*) FROM {{schema}}.events_event
    WHERE seal_no IS NULL AND at < clock_timestamp() - interval '{_LATE_S} seconds'
"""  # nosec B608 - a number of ours
_NEWEST = "SELECT max(seal_no) FROM {schema}.events_event"


@check("events.sealing", _("Sealing of the record"), runbook="record-not-proven", every_s=SOON_S)
def _sealing() -> Iterator[Finding]:
    late = {schema: count for schema, count in ask_schemas(_schemas(), _TABLE, _UNSEALED) if count}
    if late:
        yield problem(
            gettext_noop("{count} events are not sealed after ten minutes, in: {names}."),
            gettext_noop(
                "See that the clock runs, and that no transaction is open for long:"
                " `python manage.py doctor --only clock --only database.transactions`."
            ),
            count=sum(late.values()),
            names=some(sorted(late)),
        )


@check("events.marks", _("Marks of the record"), runbook="record-not-proven")
def _marks() -> Iterator[Finding]:
    """The mark of a record lies outside of its schema: no record is shorter than it."""
    marks = dict(Mark.objects.values_list("schema", "number"))
    newest = dict(ask_schemas(_schemas(), _TABLE, _NEWEST))
    cut = sorted(
        one for one, number in marks.items() if one in newest and _is_cut(newest[one], number)
    )
    if cut:
        yield problem(
            gettext_noop("The record ends before its mark in: {names}."),
            gettext_noop(
                "Was it restored from a backup? The runbook says how that is accepted. Otherwise"
                " somebody removed events: `python manage.py verify_events`."
            ),
            names=some(cut),
        )


def _is_cut(newest: int | None, marked: int) -> bool:
    return (newest or 0) < marked


def _schemas() -> list[str]:
    return list(Tenant.objects.filter(is_local=True).values_list("schema_name", flat=True))
