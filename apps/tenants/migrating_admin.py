"""Which tenants are behind this release, which could not be migrated and why, and the button."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import URLPattern, path
from django.utils.translation import gettext_lazy as _
from unfold.admin import ModelAdmin
from unfold.decorators import action

from apps.accounts.access import may, require
from apps.core.exceptions import ConflictError
from apps.events.actors import user_actor
from apps.tenants.migrating import PERMISSION, active_run, migrate_tenants, release_now


class FailedMigrationAdmin(ModelAdmin):  # type: ignore[misc]
    """Tenants that stay at an older release, with the message of the database."""

    list_display = ("schema", "error", "times", "failed_at")
    search_fields = ("schema", "error")
    ordering = ("schema",)
    actions_list = ("release",)

    def get_urls(self) -> list[URLPattern]:
        """The page of the release, before the admin's own."""
        wrap = self.admin_site.admin_view
        page = path("all/", wrap(self.release_page), name="tenants_release")
        return [page, *super().get_urls()]

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Runs write them."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """They say what happened."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """A run that succeeds removes them."""
        return False

    def has_release_permission(self, request: HttpRequest, *_ids: Any) -> bool:
        """Who may see how many are behind."""
        return may(request.user, "tenants.releases")

    @action(description=_("Release of all tenants"), icon="upgrade", permissions=["release"])  # type: ignore[untyped-decorator]
    def release(self, request: HttpRequest) -> HttpResponse:
        """To the page that tells how many are behind."""
        return redirect("admin:tenants_release")

    def release_page(self, request: HttpRequest) -> HttpResponse:
        """Counts, the run under way, and the button; by POST it starts."""
        require(request, "tenants.releases")
        if request.method == "POST":
            require(request, PERMISSION)
            return self._start(request)
        context = {
            **self.admin_site.each_context(request),
            "title": _("Release of all tenants"),
            "release": release_now(),
            "operation": active_run(),
            "may_migrate": may(request.user, PERMISSION),
        }
        return render(request, "operator/release.html", context)

    def _start(self, request: HttpRequest) -> HttpResponse:
        try:
            operation = migrate_tenants(actor=user_actor(request.user))
        except ConflictError as error:
            messages.warning(request, str(error))
            return redirect("admin:tenants_release")
        return redirect("operation", operation.uuid)
