"""The page “Health”: how each check stands and what to do, who looked last, and the button."""

from typing import Any

from django.contrib import messages
from django.contrib.admin import AdminSite
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import URLPattern, path
from django.utils.translation import gettext_lazy as _
from unfold.admin import ModelAdmin
from unfold.decorators import action

from apps.accounts.access import may, require
from apps.core.commands import as_here
from apps.core.exceptions import ConflictError
from apps.core.health import STATUSES
from apps.doctor import services
from apps.doctor.constants import RUN, VIEW
from apps.doctor.models import CheckState, Checkup
from apps.events.actors import user_actor


class CheckupAdmin(ModelAdmin):  # type: ignore[misc]
    """When everything was looked at, and what it came to; with the page of how it stands now."""

    list_display = ("started_at", "asked_by", "finished_at", "well", "warnings", "problems")
    fields = readonly_fields = list_display
    show_full_result_count = False
    actions_list = ("health",)

    def get_urls(self) -> list[URLPattern]:
        """The page, before the admin's own."""
        wrap = self.admin_site.admin_view
        return [path("now/", wrap(self.health_page), name="doctor_health"), *super().get_urls()]

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Looking makes them."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """They say what was."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """They go by themselves."""
        return False

    def has_health_permission(self, request: HttpRequest, *_ids: Any) -> bool:
        """Who may see the page."""
        return may(request.user, VIEW)

    @action(description=_("Health"), icon="monitor_heart", permissions=["health"])  # type: ignore[untyped-decorator]
    def health(self, request: HttpRequest) -> HttpResponse:
        """To how it stands now."""
        return redirect("admin:doctor_health")

    def health_page(self, request: HttpRequest) -> HttpResponse:
        """The worst first; by POST a worker looks at everything."""
        require(request, VIEW)
        if request.method == "POST":
            require(request, RUN)
            return self._start(request)
        states = sorted(
            (row for row in CheckState.objects.all() if row.check_of),
            key=lambda row: (-STATUSES.index(row.status), row.title),
        )
        context = {
            **self.admin_site.each_context(request),
            "title": _("Health"),
            "states": states,
            "problems": sum(row.status == "problem" for row in states),
            "warnings": sum(row.status == "warning" for row in states),
            "last": Checkup.objects.filter(finished_at__isnull=False).first(),
            "operation": services.active_checkup(),
            "command": as_here("python manage.py doctor"),
            "may_run": may(request.user, RUN),
        }
        return render(request, "operator/health.html", context)

    def _start(self, request: HttpRequest) -> HttpResponse:
        try:
            checkup = services.start_checkup(actor=user_actor(request.user))
        except ConflictError as error:
            messages.warning(request, str(error))
            return redirect("admin:doctor_health")
        return redirect("operation", checkup.operation)


def register(site: AdminSite, kind: str) -> None:
    """At the operator, where the app is."""
    site.register(Checkup, CheckupAdmin)
