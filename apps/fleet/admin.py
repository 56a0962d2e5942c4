"""The fleet in the operator's admin: regions, servers and their load, placements, routes, edge."""

from functools import partial
from typing import Any

from django.contrib import messages
from django.contrib.admin import AdminSite
from django.db.models import Count, Q, QuerySet, Sum
from django.db.models.functions import Coalesce
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import URLPattern, path
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from unfold.admin import ModelAdmin
from unfold.decorators import action, display

from apps.accounts.access import may
from apps.core.exceptions import DomainError
from apps.events.actors import Actor, user_actor
from apps.fleet import probes, services
from apps.fleet.forms import ServerForm
from apps.fleet.models import (
    Certificate,
    EdgeState,
    Placement,
    Region,
    Route,
    Server,
    ServerPlan,
)
from apps.fleet.permissions import LOSE
from apps.fleet.services import records
from apps.fleet.views import lost_page
from apps.tenancy.kinds import PUBLIC

_OPEN = Q(placements__status__in=Placement.OPEN)
# Above this share of a resource the bar warns.
_NEARLY_FULL = 0.9


class ReadOnlyAdmin(ModelAdmin):  # type: ignore[misc]
    """Rows that the platform writes and people only read."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        """They come by themselves."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """They are changed by what happens."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """They go by themselves."""
        return False


class RecordAdmin(ModelAdmin):  # type: ignore[misc]
    """Rows that the operator writes; every change is an event."""

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """Write it through the service."""
        if change:
            records.change(obj, form.changed_data, actor=_actor(request))
        else:
            records.add(obj, actor=_actor(request))

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """What was in use stays on record."""
        return False


class RegionAdmin(RecordAdmin):
    """Places with servers."""

    list_display = ["name", "code", "country", "is_open", "server_count"]
    list_filter = ["is_open"]
    search_fields = ["name", "code"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Region]:
        """With the number of servers."""
        return super().get_queryset(request).annotate(server_count=Count("servers"))  # type: ignore[no-any-return]

    @display(description=_("servers"), ordering="server_count")
    def server_count(self, row: Any) -> int:
        """How many servers it has."""
        return int(row.server_count)


class ServerPlanAdmin(RecordAdmin):
    """Sizes of servers."""

    list_display = ["name", "cpu_millis", "memory_mb", "disk_mb"]
    search_fields = ["name"]


class ServerAdmin(RecordAdmin):
    """Servers, with what is reserved on each."""

    form = ServerForm
    list_display = [
        "name",
        "region",
        "state",
        "memory",
        "cpu",
        "disk",
        "placement_count",
        "last_seen_at",
        "status_note",
    ]
    list_filter = ["region", "status", "is_draining"]
    list_select_related = ["region"]
    search_fields = ["name", "engine_url"]
    actions = ["drain", "activate", "retire", "probe_now"]
    actions_detail = ["lose"]
    readonly_fields = [
        "state_in_words",
        "status_note",
        "memory",
        "cpu",
        "disk",
        "placement_count",
        "engine_version",
        "last_seen_at",
        "last_probe_at",
    ]

    def get_urls(self) -> list[URLPattern]:
        """The page of its loss, before the admin's own."""
        lost = self.admin_site.admin_view(partial(lost_page, self.admin_site))
        return [path("<int:pk>/lost/", lost, name="fleet_server_lost"), *super().get_urls()]

    def has_lose_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        """Who may declare servers lost."""
        return may(request.user, LOSE)

    @action(
        description=_("Lost for good"), icon="heart_broken", permissions=["lose"], url_path="lose"
    )
    def lose(self, request: HttpRequest, object_id: int) -> HttpResponse:
        """To the page that says what it means."""
        return redirect("admin:fleet_server_lost", object_id)

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        """A new server has no state yet."""
        described = ["name", "region", "plan", "engine_url", "address_prefix"]
        own = [
            (None, {"fields": described}),
            (_("Capacity"), {"fields": [("cpu_millis", "memory_mb", "disk_mb")]}),
        ]
        seen = [
            (
                _("State"),
                {"fields": ["state_in_words", "status_note", ("last_seen_at", "last_probe_at")]},
            ),
            (_("Reserved"), {"fields": ["memory", "cpu", "disk", "placement_count"]}),
        ]
        return [*own, *seen] if obj else own

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        """Networks that exist keep their addresses."""
        fixed = ["address_prefix"] if obj and obj.open_count else []
        return [*self.readonly_fields, *fixed]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Server]:
        """With what open placements reserve, all in one query."""
        rows = super().get_queryset(request)
        return rows.annotate(  # type: ignore[no-any-return]
            open_count=Count("placements", filter=_OPEN),
            reserved_cpu=Coalesce(Sum("placements__cpu_millis", filter=_OPEN), 0),
            reserved_memory=Coalesce(Sum("placements__memory_mb", filter=_OPEN), 0),
            reserved_disk=Coalesce(Sum("placements__disk_mb", filter=_OPEN), 0),
        )

    @display(
        description=_("status"),
        label={
            "active": "success",
            "draining": "warning",
            "unreachable": "danger",
            "lost": "danger",
            "retired": "info",
        },
    )
    def state(self, row: Server) -> tuple[str, str]:
        """What it is for new instances."""
        if row.status == Server.Status.ACTIVE and row.is_draining:
            return "draining", str(_("Draining"))
        return row.status, str(row.get_status_display())

    @display(description=_("status"))
    def state_in_words(self, row: Server) -> str:
        """On a page of its own, where there are no tags."""
        return str(self.state(row)[1])

    @display(description=_("memory"), ordering="reserved_memory")
    def memory(self, row: Any) -> SafeString:
        """Gibibytes reserved of what may be."""
        return _bar(row.reserved_memory, row.memory_mb, 1024, "GiB", _("memory reserved"))

    @display(description=_("CPU"), ordering="reserved_cpu")
    def cpu(self, row: Any) -> SafeString:
        """Cores reserved of what may be."""
        return _bar(row.reserved_cpu, row.cpu_millis, 1000, "cores", _("CPU reserved"))

    @display(description=_("disk"), ordering="reserved_disk")
    def disk(self, row: Any) -> SafeString:
        """Gibibytes reserved of what may be."""
        return _bar(row.reserved_disk, row.disk_mb, 1024, "GiB", _("disk reserved"))

    @display(description=_("placements"), ordering="open_count")
    def placement_count(self, row: Any) -> int:
        """How many deployments have a place here."""
        return int(row.open_count)

    @action(description=_("Drain: take no new instances"), permissions=["change"])
    def drain(self, request: HttpRequest, rows: QuerySet[Server]) -> None:
        """Take no new instances on them."""
        self._each(request, rows, services.drain, _("{server} is draining."))

    @action(description=_("Activate: take new instances again"), permissions=["change"])
    def activate(self, request: HttpRequest, rows: QuerySet[Server]) -> None:
        """Take new instances on them again."""
        self._each(request, rows, services.activate_server, _("{server} takes new instances."))

    @action(description=_("Retire: use no more"), permissions=["change"])
    def retire(self, request: HttpRequest, rows: QuerySet[Server]) -> None:
        """Use them no more."""
        self._each(request, rows, services.retire, _("{server} is retired."))

    @action(description=_("Probe now"), permissions=["change"])
    def probe_now(self, request: HttpRequest, rows: QuerySet[Server]) -> None:
        """Ask them whether they answer."""
        for server in rows.select_related("region"):
            probes.probe(server)
            server.refresh_from_db(fields=["status_note", "engine_version"])
            if server.status_note:
                messages.warning(request, f"{server}: {server.status_note}")
            else:
                text = _("%(server)s answers, engine %(version)s.")
                said = {"server": server, "version": server.engine_version}
                messages.success(request, text % said)

    def _each(self, request: HttpRequest, rows: Any, change: Any, done: Any) -> None:
        for server in rows:
            try:
                change(server, actor=_actor(request))
            except DomainError as error:
                messages.warning(request, error.message)
            else:
                messages.success(request, str(done).format(server=server))


class PlacementAdmin(ReadOnlyAdmin):
    """What is reserved where."""

    list_display = [
        "instance_name",
        "deployment",
        "where",
        "state",
        "memory_mb",
        "cpu_millis",
        "disk_mb",
        "schema",
        "seen_state",
        "created_at",
    ]
    list_filter = ["status", "server"]
    list_select_related = ["server", "seen"]
    search_fields = ["instance_name", "schema", "instance"]
    date_hierarchy = "created_at"

    @display(description=_("server"), ordering="server__name")
    def where(self, row: Placement) -> str:
        """Its server, or the platform itself."""
        return str(row.server or _("the platform"))

    @display(
        description=_("status"),
        label={"reserved": "info", "active": "success", "released": "warning"},
    )
    def state(self, row: Placement) -> tuple[str, str]:
        """The status as a tag."""
        return row.status, str(row.get_status_display())

    @display(description=_("seen"))
    def seen_state(self, row: Placement) -> str:
        """What the poller saw last."""
        seen = getattr(row, "seen", None)
        return f"{seen.state} {seen.detail}".strip() if seen else "–"


class RouteAdmin(ReadOnlyAdmin):
    """Hostnames and where they lead."""

    list_display = ["hostname", "target", "notice", "schema", "revision", "updated_at"]
    list_filter = ["notice"]
    search_fields = ["hostname", "schema"]

    @display(description=_("leads to"))
    def target(self, row: Route) -> str:
        """Its upstreams, or the platform itself."""
        urls = ", ".join(upstream["url"] for upstream in row.upstreams)
        return urls or str(_("the platform"))


class CertificateAdmin(ReadOnlyAdmin):
    """Certificates that the edge serves."""

    list_display = ["name", "names", "origin", "expires_at"]
    search_fields = ["name"]

    @display(description=_("hostnames"))
    def names(self, row: Certificate) -> str:
        """What it is for."""
        return ", ".join(row.hostnames)

    @display(description=_("from"))
    def origin(self, row: Certificate) -> str:
        """Whose it is."""
        return str(_("an authority")) if row.chain else str(_("files of this machine"))


class EdgeStateAdmin(ReadOnlyAdmin):
    """How far the edge is."""

    list_display = ["name", "wanted", "applied", "state", "applied_at"]

    @display(description=_("state"), label={"current": "success", "behind": "warning"})
    def state(self, row: EdgeState) -> tuple[str, str]:
        """Whether it has all routes that are wanted."""
        if row.applied >= row.wanted:
            return "current", str(_("Has all routes"))
        return "behind", str(_("{count} changes behind")).format(count=row.wanted - row.applied)


def register(site: AdminSite, kind: str) -> None:
    """At the operator only; its tables are shared."""
    if kind != PUBLIC:
        return
    site.register(Region, RegionAdmin)
    site.register(ServerPlan, ServerPlanAdmin)
    site.register(Server, ServerAdmin)
    site.register(Placement, PlacementAdmin)
    site.register(Route, RouteAdmin)
    site.register(Certificate, CertificateAdmin)
    site.register(EdgeState, EdgeStateAdmin)


def _actor(request: HttpRequest) -> Actor:
    return user_actor(request.user)  # type: ignore[arg-type]


def _bar(reserved: int, total: int, unit: int, name: str, label: Any) -> SafeString:
    """How full it is, as a bar with its numbers."""
    tone = "bad" if reserved >= _NEARLY_FULL * total else "ok"
    return format_html(
        '<progress class="dm-progress" max="{}" value="{}" data-tone="{}" aria-label="{}">'
        "</progress> <span>{} / {} {}</span>",
        max(total, 1),
        reserved,
        tone,
        label,
        f"{reserved / unit:.1f}",
        f"{total / unit:.1f}",
        name,
    )
