"""What organisations add to the operator's first page."""

from typing import Any

from django.db.models import Count, Q
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from apps.accounts.access import may
from apps.accounts.addresses import console_host
from apps.core.languages import grouped
from apps.portal.charts import Chart, Series, Stat, Way, compared, shares
from apps.portal.counting import ByDay, by_day, of_both, together
from apps.portal.ranges import Range, range_of
from apps.portal.registry import on_admin_home
from apps.portal.steps import Step
from apps.tenants.models import Organisation

_SHOWN = 6
_TONES = {"pending": "info", "active": "ok", "suspended": "warn", "closed": "idle"}


@on_admin_home("public")
def operator_home(request: HttpRequest) -> dict[str, Any]:
    """How many there are, and who came last."""
    if not may(request.user, "organisations.view"):
        return {}
    newest = list(Organisation.objects.order_by("-created_at")[:_SHOWN])
    listed, picked = reverse("admin:tenants_organisation_changelist"), range_of(request)
    found = together(by_day(Organisation.objects.all(), "created_at", picked, with_before=True))
    return {
        "stats": _stats(found, picked, listed),
        "charts": [_sign_ups(found, picked, listed), _plans(listed)],
        "organisations": [_row(organisation) for organisation in newest],
        "organisations_url": listed,
        "closing": [_closing_row(one) for one in _closing()],
        "checklist": [_first_one(is_there=bool(newest))],
    }


def _stats(found: ByDay, picked: Range, listed: str) -> list[Stat]:
    open_ones = ~Q(status=Organisation.Status.CLOSED)
    counted = Organisation.objects.aggregate(
        all=Count("pk", filter=open_ones),
        trial=Count("pk", filter=open_ones & Q(trial_ends_at__gt=timezone.now())),
    )
    trial = _("%(trial)s in trial") % {"trial": grouped(counted["trial"])}
    new, before = of_both(found, picked)
    return [
        Stat(_("Organisations"), grouped(counted["all"]), note=trial, url=listed, order=10),
        compared(_("Sign-ups"), new, before, picked, better="more", url=listed, order=15),
    ]


def _sign_ups(found: ByDay, picked: Range, listed: str) -> Chart:
    signed_up = picked.fold(found)
    title = ngettext(
        "%(count)s organisation signed up", "%(count)s organisations signed up", sum(signed_up)
    )
    return Chart(
        "sign-ups",
        title=title % {"count": grouped(sum(signed_up))},
        about=_("Sign-ups %(per)s") % {"per": picked.per},
        labels=picked.labels,
        series=[Series(_("Sign-ups"), signed_up)],
        unit=_("organisations"),
        url=listed,
        empty=_("Nobody signed up in this time."),
        way=Way(_("See the front page"), "/"),
        order=10,
    )


def _plans(listed: str) -> Chart:
    rows = Organisation.objects.exclude(status=Organisation.Status.CLOSED)
    counted = rows.order_by().values_list("plan_key").annotate(count=Count("pk"))
    pairs = [(key.capitalize(), count) for key, count in counted.order_by("-count", "plan_key")]
    labels, series = shares(pairs[:_SHOWN])
    most = {"plan": labels[0], "count": grouped(series.values[0])} if labels else {}
    return Chart(
        "organisations-by-plan",
        title=_("Most are on %(plan)s: %(count)s") % most if most else _("Organisations by plan"),
        about=_("Organisations by plan, now"),
        labels=labels,
        series=[series],
        kind="rows",
        unit=_("organisations"),
        url=listed,
        empty=_("There is no organisation yet."),
        order=20,
    )


def _closing() -> list[Organisation]:
    """The next that will be erased."""
    rows = Organisation.objects.filter(erase_after__isnull=False)
    return list(rows.order_by("erase_after", "pk")[:_SHOWN])


def _closing_row(organisation: Organisation) -> dict[str, Any]:
    return {
        "name": organisation.name,
        "host": console_host(organisation.slug),
        "url": reverse("admin:tenants_organisation_change", args=[organisation.pk]),
        "by": organisation.get_closed_by_display(),
        "erase_after": organisation.erase_after,
    }


def _first_one(*, is_there: bool) -> Step:
    return Step(
        "first-organisation",
        _("Sign up a first organisation"),
        _("As an ISP does it: from the front page, in five steps."),
        reverse("front"),
        is_there,
        order=60,
    )


def _row(organisation: Organisation) -> dict[str, Any]:
    return {
        "name": organisation.name,
        "host": console_host(organisation.slug),
        "url": reverse("admin:tenants_organisation_change", args=[organisation.pk]),
        "plan": organisation.plan_key.capitalize(),
        "status": organisation.get_status_display(),
        "tone": _TONES[organisation.status],
        "at": organisation.created_at,
        "trial_ends_at": organisation.trial_ends_at,
    }
