"""A row's detail in a drawer beside its list; without JavaScript the row's own page opens."""

from typing import Any

from django.contrib.admin import ModelAdmin
from django.contrib.admin.utils import flatten, label_for_field, unquote
from django.core.exceptions import PermissionDenied
from django.db.models import Model
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import URLPattern, path
from django.utils.text import capfirst

from apps.lists.rows import opens_beside, shown_value


class WithBeside:
    """What an admin that sets `opens_beside` gets: the address of each row's detail.

    It shows the fields of the row's page, then the admin's `beside_template`, if it has one, with
    what its `beside_context(request, row)` returns.
    """

    def get_urls(self) -> list[URLPattern]:
        """The detail's own, before the admin's pages."""
        own: list[URLPattern] = super().get_urls()  # type: ignore[misc]
        if not opens_beside(self):  # type: ignore[arg-type]
            return own
        name = f"{self.opts.app_label}_{self.opts.model_name}_beside"  # type: ignore[attr-defined]
        shown = self.admin_site.admin_view(self.beside)  # type: ignore[attr-defined]
        return [path("<path:object_id>/beside/", shown, name=name), *own]

    def beside(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """The drawer with a row's detail."""
        row = self.get_object(request, unquote(object_id))  # type: ignore[attr-defined]
        if row is None:
            raise Http404
        if not self.has_view_permission(request, row):  # type: ignore[attr-defined]
            raise PermissionDenied
        more = getattr(self, "beside_context", None)
        context = {
            "row": row,
            "facts": _facts(self, request, row),  # type: ignore[arg-type]
            "template": getattr(self, "beside_template", None),
            **(more(request, row) if more else {}),
        }
        return render(request, "admin/beside.html", context)


def _facts(admin: "ModelAdmin[Any]", request: HttpRequest, row: Model) -> list[tuple[str, Any]]:
    return [
        (
            capfirst(str(label_for_field(name, admin.model, model_admin=admin))),
            shown_value(admin, row, name) or admin.get_empty_value_display(),
        )
        for name in flatten(admin.get_fields(request, row))
    ]
