"""What the fleet adds to the operator's first page: servers, what is reserved, what is wrong."""

from datetime import timedelta
from typing import Any

from django.db.models import Count, F, Q, Sum
from django.db.models.functions import Coalesce
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format, number_format
from django.utils.translation import gettext as _

from apps.accounts.access import is_limited, may, narrow
from apps.core.languages import grouped
from apps.fleet.dashboard import charts
from apps.fleet.models import Certificate, EdgeState, Placement, Server
from apps.portal.charts import Stat
from apps.portal.needs import first_few, need
from apps.portal.ranges import range_of
from apps.portal.registry import on_admin_home
from apps.portal.steps import Step

_OPEN = Q(placements__status__in=Placement.OPEN)
_NEARLY_FULL = 90
# More of them are behind a link.
_SHOWN = 12
_TONES = {"active": "ok", "draining": "warn", "unreachable": "bad"}


@on_admin_home("public")
def operator_home(request: HttpRequest) -> dict[str, Any]:
    """Servers with their load, the fleet's numbers, and what needs somebody."""
    user = request.user
    if not may(user, "fleet.view"):
        return {}
    servers = [_server_row(server) for server in _servers(user)]
    certain = [_("All servers answer.")] if servers else []
    return {
        "watched": certain,
        "servers": sorted(servers, key=_calm)[:_SHOWN],
        "servers_url": reverse("admin:fleet_server_changelist"),
        "stats": _stats(user, servers),
        "charts": charts(user, servers, range_of(request)),
        "needs": [*_troubled(servers), *_edges_behind(user), *_expiring(user)],
        "checklist": _steps(user, servers),
    }


def _calm(row: dict[str, Any]) -> tuple[bool, int]:
    """What needs somebody stands first, then what is fullest."""
    return row["state"] == "active", -max(load["share"] for load in row["loads"])


def _steps(user: Any, servers: list[dict[str, Any]]) -> list[Step]:
    if not may(user, "fleet.change"):
        return []
    text = _("A machine with a container engine; dedicated workspaces and apps run on it.")
    url = reverse("admin:fleet_server_add")
    return [Step("server", _("Add a server"), text, url, bool(servers), order=10)]


def _servers(user: Any) -> list[Any]:
    rows = Server.objects.exclude(status__in=Server.OUT_OF_USE).select_related("region")
    return list(
        narrow(user, rows)
        .annotate(
            placed=Count("placements", filter=_OPEN),
            taken_cpu=Coalesce(Sum("placements__cpu_millis", filter=_OPEN), 0),
            taken_memory=Coalesce(Sum("placements__memory_mb", filter=_OPEN), 0),
            taken_disk=Coalesce(Sum("placements__disk_mb", filter=_OPEN), 0),
        )
        .order_by("region__code", "name")
    )


def _server_row(server: Any) -> dict[str, Any]:
    is_draining = server.is_draining and server.status == Server.Status.ACTIVE
    state = "draining" if is_draining else server.status
    return {
        "name": server.name,
        "url": reverse("admin:fleet_server_change", args=[server.pk]),
        "region": server.region.name,
        "status": _("Draining") if is_draining else server.get_status_display(),
        "tone": _TONES.get(state, "idle"),
        "state": state,
        "note": server.status_note,
        "placed": server.placed,
        "taken_memory": server.taken_memory,
        "memory_mb": server.memory_mb,
        "loads": [
            _load(_("Memory"), server.taken_memory, server.memory_mb, 1024, "GiB"),
            _load(_("CPU"), server.taken_cpu, server.cpu_millis, 1000, _("cores")),
            _load(_("Disk"), server.taken_disk, server.disk_mb, 1024, "GiB"),
        ],
    }


def _load(label: str, taken: int, total: int, unit: int, name: str) -> dict[str, Any]:
    share = 100 * taken // max(total, 1)
    return {
        "label": label,
        "share": share,
        "text": _of(taken / unit, total / unit, name),
        "tone": "bad" if share >= _NEARLY_FULL else "ok",
    }


def _stats(user: Any, servers: list[dict[str, Any]]) -> list[Stat]:
    answering = [row for row in servers if row["state"] != "unreachable"]
    taken = sum(row["taken_memory"] for row in answering)
    total = sum(row["memory_mb"] for row in answering)
    listed = reverse("admin:fleet_server_changelist")
    return [
        Stat(
            _("Instances placed"),
            grouped(_placed(user)),
            note=_("on your servers") if is_limited(user) else _("dedicated and shared"),
            url=reverse("admin:fleet_placement_changelist"),
            order=20,
        ),
        Stat(
            _("Servers that answer"),
            f"{len(answering)} / {len(servers)}",
            note=_("of those in use"),
            tone="bad" if len(answering) < len(servers) else "",
            url=listed,
            order=25,
        ),
        Stat(
            _("Memory reserved"),
            f"{100 * taken // max(total, 1)} %",
            note=_of(taken / 1024, total / 1024, "GiB"),
            url=listed,
            order=30,
        ),
    ]


def _placed(user: Any) -> int:
    rows = narrow(user, Placement.objects.filter(status__in=Placement.OPEN))
    return rows.order_by().values("instance").distinct().count()


def _troubled(servers: list[dict[str, Any]]) -> list[dict[str, Any]]:
    found = []
    for row in servers:
        full = [load for load in row["loads"] if load["share"] >= _NEARLY_FULL]
        if row["state"] == "unreachable":
            title = _("Server %(name)s does not answer") % {"name": row["name"]}
            found.append(need(title, row["note"], row["url"], "bad"))
        elif full:
            title = _("Server %(name)s is nearly full") % {"name": row["name"]}
            text = ", ".join(f"{load['label']}: {load['text']}" for load in full)
            found.append(need(title, text, row["url"], "warn"))
    if not servers:
        text = _("Dedicated workspaces and further apps need one. Shared workspaces work without.")
        url = reverse("admin:fleet_server_add")
        found.append(need(_("There is no server yet"), text, url, "warn"))
    return first_few(found, lambda one: one, listed=reverse("admin:fleet_server_changelist"))


def _edges_behind(user: Any) -> list[dict[str, Any]]:
    """An edge a moment behind is at work; one that stays so has a fault."""
    late = timezone.now() - timedelta(minutes=2)
    rows = narrow(user, EdgeState.objects.filter(applied__lt=F("wanted"), applied_at__lt=late))
    url = reverse("admin:fleet_edgestate_changelist")
    text = _("New and changed addresses do not answer until it has them.")
    title = _("Edge %(name)s lacks the newest routes")
    return first_few(
        rows.order_by("name"),
        lambda edge: need(title % {"name": edge.name}, text, url, "bad"),
        listed=url,
    )


def _expiring(user: Any) -> list[dict[str, Any]]:
    now = timezone.now()
    rows = narrow(user, Certificate.objects.filter(Q(warn_at__lt=now) | Q(expires_at__lt=now)))
    url = reverse("admin:fleet_certificate_changelist")
    title = _("The certificate %(name)s ends on %(day)s")

    def say(row: Certificate) -> dict[str, Any]:
        day = date_format(timezone.localtime(row.expires_at), "MONTH_DAY_FORMAT")
        return need(title % {"name": row.name, "day": day}, url=url)

    return first_few(rows.order_by("expires_at", "name"), say, listed=url)


def _of(taken: float, total: float, unit: str) -> str:
    """How much of how much, to one decimal."""
    parts = {"taken": number_format(taken, 1), "total": number_format(total, 1), "unit": unit}
    return _("%(taken)s of %(total)s %(unit)s") % parts
