"""All long work of the platform in one list, whatever schema it belongs to."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.admin import AdminSite
from django.contrib.admin.utils import unquote
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext_lazy as _
from unfold.admin import ModelAdmin
from unfold.decorators import display

from apps.work import showing
from apps.work.models import Due

_LABELS = {
    Due.State.DONE: "success",
    Due.State.FAILED: "danger",
    Due.State.RUNNING: "info",
    Due.State.WAITING: "warning",
}

STEERED = ("cancel", "retry")


class DueAdmin(ModelAdmin):  # type: ignore[misc]
    """What is due, runs, waits or has ended; one opens with its steps."""

    list_display = ("what", "shown_state", "progress", "schema", "why", "created_at")
    list_filter = ("state", "kind")
    search_fields = ("title", "schema", "subject")

    @display(description=_("title"), ordering="title")  # type: ignore[untyped-decorator]
    def what(self, row: Due) -> str:
        """What it does."""
        return row.shown_title

    @display(description=_("reason"), ordering="reason")  # type: ignore[untyped-decorator]
    def why(self, row: Due) -> str:
        """Why it stands as it does."""
        return row.shown_reason

    @display(description=_("state"), label=_LABELS)  # type: ignore[untyped-decorator]
    def shown_state(self, row: Due) -> tuple[str, str]:
        """The state as a tag."""
        return row.state, row.get_state_display()

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Work comes from what people do."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """It goes by itself after its retention."""
        return False

    def get_urls(self) -> list[URLPattern]:
        """Steering a piece of work, before the admin's own pages."""
        wrap = self.admin_site.admin_view
        return [
            path("<uuid:due_id>/steps/", wrap(self.steps), name="work_due_steps"),
            path("<uuid:due_id>/do/<slug:what>/", wrap(self.steer), name="work_due_steer"),
            *super().get_urls(),
        ]

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        """The detail, which lies in the work's own schema."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        due = self.get_object(request, unquote(object_id))
        if due is None:
            raise Http404
        around = {**self.admin_site.each_context(request), "opts": self.opts, "object": due}
        context = {**around, "title": due.shown_title, "due": due, **_detail(due)}
        return render(request, "operator/work.html", context)

    def steps(self, request: HttpRequest, due_id: UUID) -> HttpResponse:
        """The steps alone, for the page that is open."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        detail = _detail(get_object_or_404(Due, pk=due_id))
        return render(request, "operations/_stepper.html", detail)

    def steer(self, request: HttpRequest, due_id: UUID, what: str) -> HttpResponse:
        """Cancel or repeat, in the work's own schema."""
        if not request.user.has_perm("work.retry"):
            raise PermissionDenied
        due = get_object_or_404(Due, pk=due_id)
        if request.method != "POST" or what not in STEERED:
            raise Http404
        problem = showing.steer(due, what, request.user)
        if problem:
            messages.warning(request, problem)
        return redirect("admin:work_due_change", due.pk)


def _detail(due: Due) -> dict[str, Any]:
    """What its kind shows, steered through the operator's own addresses."""
    return {
        **showing.context_of(due),
        "poll_url": reverse("admin:work_due_steps", args=[due.pk]),
        "cancel_url": reverse("admin:work_due_steer", args=[due.pk, "cancel"]),
        "retry_url": reverse("admin:work_due_steer", args=[due.pk, "retry"]),
    }


def register(site: AdminSite, kind: str) -> None:
    """At the operator only; the table is shared."""
    if kind == "public":
        site.register(Due, DueAdmin)
