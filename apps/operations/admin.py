"""Operations in the admin; for the operator, the work of all schemas in one list."""

from typing import Any

from django.contrib.admin import AdminSite
from django.contrib.admin.utils import unquote
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext_lazy as _
from unfold.admin import ModelAdmin
from unfold.decorators import display

from apps.operations.models import Operation
from apps.operations.pages import page_for
from apps.operations.pipelines import title_of

_LABELS = {
    Operation.Status.SUCCEEDED: "success",
    Operation.Status.FAILED: "danger",
    Operation.Status.RUNNING: "info",
    Operation.Status.WAITING: "warning",
    Operation.Status.UNDOING: "warning",
}


class OperationAdmin(ModelAdmin):  # type: ignore[misc]
    """Operations of this schema; one opens with its steps."""

    list_display = (
        "shown_title",
        "shown_status",
        "actor_label",
        "created_at",
        "finished_at",
        "cause",
    )
    list_filter = ("status", "name")
    search_fields = ("title", "uuid", "subject_id")

    @display(description=_("operation"), ordering="title")  # type: ignore[untyped-decorator]
    def shown_title(self, row: Operation) -> str:
        """What it does."""
        return title_of(row)

    @display(description=_("status"), label=_LABELS)  # type: ignore[untyped-decorator]
    def shown_status(self, row: Operation) -> tuple[str, str]:
        """The status as a tag."""
        return row.status, row.get_status_display()

    def has_add_permission(self, request: HttpRequest) -> bool:
        """They are started by what they change."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """They are part of the audit trail."""
        return False

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        """The operation with its steps, live."""
        operation = self.get_object(request, unquote(object_id))
        if operation is None:
            raise Http404
        if not self.has_view_permission(request, operation):
            raise PermissionDenied
        # The way to the page names it too.
        operation.title = title_of(operation)
        around = {**self.admin_site.each_context(request), "title": operation.title}
        subject = {"opts": self.opts, "object": operation}
        context = {**around, **subject, **page_for(request.user, operation)}
        return render(request, "operations/progress_admin.html", context)


def register(site: AdminSite, kind: str) -> None:
    """In every kind."""
    site.register(Operation, OperationAdmin)
