"""What the fleet's charts show: what is reserved, and what runs, as far as one may see it."""

from collections import Counter
from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.db.models import CharField, Count, Func, Q, Sum, Value
from django.urls import reverse
from django.utils.formats import number_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from apps.accounts.access import may, narrow
from apps.core.languages import grouped
from apps.fleet.models import Placement, Route
from apps.portal.charts import Chart, Number, Series, Way, shares
from apps.portal.counting import ByDay, by_day, net
from apps.portal.ranges import Range

_OPEN = Q(status__in=Placement.OPEN)
_TONES = ("brand", "ok", "warn", "info", "idle")
_MOST = 6
# What a route shows instead of an instance says how the instance is (apps.fleet.models.Route).
_STATES = {
    "": gettext_lazy("Served"),
    "deploying": gettext_lazy("Being deployed"),
    "stopped": gettext_lazy("Stopped"),
    "suspended": gettext_lazy("Suspended"),
    "archived": gettext_lazy("Archived"),
}


def charts(user: Any, servers: list[dict[str, Any]], picked: Range) -> list[Chart]:
    """Memory over time by region, and instances by state and by app."""
    found = [_memory(user, servers, picked)]
    routes = narrow(user, Route.objects.filter(instance__isnull=False))
    if routes.exists():
        found += _instances(routes)
    return found


def _memory(user: Any, servers: list[dict[str, Any]], picked: Range) -> Chart:
    taken: Counter[str] = Counter()
    for row in servers:
        taken[row["region"]] += row["taken_memory"]
    series = [
        Series(region, values, tone)
        for (region, values), tone in zip(_levels(user, taken, picked), _TONES, strict=False)
    ]
    total = sum(row["memory_mb"] for row in servers)
    said = {
        "taken": number_format(taken.total() / 1024, 1),
        "total": number_format(total / 1024, 1),
    }
    url = reverse("admin:fleet_server_add")
    return Chart(
        "memory-reserved",
        title=_("%(taken)s of %(total)s GiB of memory are reserved") % said,
        about=_("Memory reserved by region"),
        labels=picked.labels,
        series=series,
        kind="line",
        unit="GiB",
        url=reverse("admin:fleet_placement_changelist"),
        empty=_("Nothing was placed on a server in this time."),
        way=None if servers or not may(user, "fleet.change") else Way(_("Add a server"), url),
        order=40,
    )


def _levels(user: Any, taken: Counter[str], picked: Range) -> Iterable[tuple[str, list[Number]]]:
    """GiB at the end of each bucket, for the regions that have most, reckoned back from now."""
    rows = narrow(user, Placement.objects.filter(server__isnull=False))
    group, size = "server__region__name", Sum("memory_mb")
    added = by_day(rows, "created_at", picked, group=group, of=size, is_open=True)
    gone = rows.filter(status=Placement.Status.RELEASED)
    removed = by_day(gone, "released_at", picked, group=group, of=size, is_open=True)
    nothing: ByDay = {}
    for region, now in taken.most_common():
        changes = net(added.get(region, nothing), removed.get(region, nothing))
        levels = picked.levels(now, changes)
        yield region, [round(Decimal(mebibytes) / 1024, 1) for mebibytes in levels]


def _instances(routes: Any) -> list[Chart]:
    """One query: the part of a host's name after `--` is the app, none is the workspace."""
    within = routes.filter(hostname__endswith=f".{settings.APPS_DOMAIN}")
    label = Func("hostname", Value("."), Value(1), function="split_part")
    app = Func(label, Value("--"), Value(2), function="split_part", output_field=CharField())
    counted = within.order_by().annotate(app=app).values_list("notice", "app")
    states: Counter[str] = Counter()
    apps: Counter[str] = Counter()
    for notice, key, count in counted.annotate(count=Count("instance", distinct=True)):
        states[str(_STATES.get(notice, notice))] += count
        apps[key.capitalize() or _("Workspace")] += count
    served = states[str(_STATES[""])]
    used = ngettext("%(count)s app is in use", "%(count)s apps are in use", len(apps))
    said = {"served": grouped(served), "all": grouped(states.total())}
    return [
        _by("instances-by-state", _("%(served)s of %(all)s instances are served") % said, states),
        _by("instances-by-app", used % {"count": len(apps)}, apps),
    ]


def _by(key: str, title: str, counted: Counter[str]) -> Chart:
    labels, series = shares(counted.most_common(_MOST))
    about = _("Instances by state, now") if key.endswith("state") else _("Instances by app, now")
    return Chart(
        key,
        title=title,
        about=about,
        labels=labels,
        series=[series],
        kind="rows",
        unit=_("instances"),
        url=reverse("admin:fleet_route_changelist"),
        order=50,
    )
