"""Erased organisations at the operator: their certificates, to read, print and keep."""

from functools import partial
from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import URLPattern, path
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET
from unfold.admin import ModelAdmin
from unfold.decorators import action, display

from apps.accounts.access import may
from apps.core.languages import grouped
from apps.operations.models import Operation
from apps.tenants.closing import PERMISSION as CLOSE
from apps.tenants.erasing.certificates import as_json, faults, unproven_of
from apps.tenants.models import Erasure
from apps.tenants.views.again import again_page

_KINDS = {
    "containers": gettext_lazy("Instances, containers, networks and volumes"),
    "rows": gettext_lazy("Rows at the operator"),
    "log": gettext_lazy("Emptied events of the operator’s log"),
    "files": gettext_lazy("Files"),
    "bytes": gettext_lazy("Bytes of files"),
    "kept": gettext_lazy("Kept: invoices and payments"),
}


class ErasureAdmin(ModelAdmin):  # type: ignore[misc]
    """Written by erasures; nobody changes or removes one."""

    list_display = ("name", "slug", "asked_by", "asked_at", "state", "erased_at", "backups_until")
    list_filter = ("asked_by",)
    search_fields = ("name", "slug", "organisation")
    ordering = ("-begun_at",)
    actions_list = ("after_restore",)

    def get_urls(self) -> list[URLPattern]:
        """The file, the printed page and that of what came back, before the admin's own."""
        wrap = self.admin_site.admin_view
        download, printed = wrap(require_GET(self.download)), wrap(require_GET(self.printed))
        again = wrap(partial(again_page, self.admin_site))
        return [
            path("again/", again, name="tenants_erasure_again"),
            path("<int:pk>/certificate.json", download, name="tenants_erasure_certificate"),
            path("<int:pk>/print/", printed, name="tenants_erasure_print"),
            *super().get_urls(),
        ]

    def has_add_permission(self, request: HttpRequest) -> bool:
        """They come of closing an organisation."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """They are signed."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """They are what is left."""
        return False

    def has_close_permission(self, request: HttpRequest, *_ids: Any) -> bool:
        """Who may close organisations."""
        return may(request.user, CLOSE)

    @action(description=gettext_lazy("After a restore"), icon="history", permissions=["close"])  # type: ignore[untyped-decorator]
    def after_restore(self, request: HttpRequest) -> HttpResponse:
        """To the page of what a restored database has again."""
        return redirect("admin:tenants_erasure_again")

    @display(description=gettext_lazy("State"), label={"erased": "success", "under_way": "warning"})  # type: ignore[untyped-decorator]
    def state(self, erasure: Erasure) -> tuple[str, str]:
        """Whether it is done."""
        if erasure.erased_at:
            return "erased", _("Erased")
        return "under_way", _("Under way")

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        """The certificate, with what is wrong with it by now, if anything is."""
        erasure = self._found(request, object_id)
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": _("Erasure of %(name)s") % {"name": erasure},
            "operation": _operation_of(erasure),
            **certificate_context(erasure),
        }
        return render(request, "operator/erasure.html", context)

    def printed(self, request: HttpRequest, pk: int) -> HttpResponse:
        """The same on paper."""
        context = certificate_context(self._found(request, pk))
        return render(request, "operator/erasure_print.html", context)

    def download(self, request: HttpRequest, pk: int) -> HttpResponse:
        """The certificate for programs, with its signature and the keys that open it."""
        erasure = self._found(request, pk, erased_at__isnull=False)
        answer = HttpResponse(as_json(erasure), content_type="application/json")
        name = f"erasure-{erasure.organisation}.json"
        answer["Content-Disposition"] = f'attachment; filename="{name}"'
        return answer

    def _found(self, request: HttpRequest, pk: int | str, **which: Any) -> Erasure:
        if not self.has_view_permission(request):
            raise PermissionDenied
        return get_object_or_404(Erasure, pk=pk, **which)


def certificate_context(erasure: Erasure) -> dict[str, Any]:
    """What the page and the paper show of it."""
    return {
        "erasure": erasure,
        "kept": [_(text) for text in erasure.kept],
        "unproven": unproven_of(erasure),
        "faults": faults(erasure) if erasure.erased_at else [],
        "groups": [
            {
                "title": _KINDS.get(kind) or _("Tables of %(schema)s") % {"schema": kind},
                "total": grouped(sum(found.values())),
                "rows": [
                    {"name": name, "count": grouped(count)} for name, count in sorted(found.items())
                ],
            }
            for kind, found in erasure.counts.items()
            if found
        ],
    }


def _operation_of(erasure: Erasure) -> Operation | None:
    rows = Operation.objects.filter(subject_type="erasure", subject_id=str(erasure.uuid))
    return rows.order_by("-pk").first()
