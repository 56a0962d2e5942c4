"""The pages on which data is exported, and the file."""

from functools import partial
from typing import Any

from django.contrib import messages
from django.contrib.admin import AdminSite
from django.http import FileResponse, Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import URLPattern, path
from django.utils.translation import gettext as _

from apps.accounts.access import require
from apps.core.exceptions import ConflictError, NotFoundError
from apps.events.actors import Actor, user_actor
from apps.operations.models import Operation
from apps.tenancy.kinds import PUBLIC
from apps.transfers.permissions import EXPORT
from apps.transfers.record.views import record_urls
from apps.transfers.services import (
    KEPT,
    PIPELINE,
    exports_of,
    name_of,
    open_file,
    start_export,
    tenant_here,
)


def export_urls(site: AdminSite, kind: str) -> list[URLPattern]:
    """The addresses below a site's own; the operator's page is the organisation's."""
    file = path(
        "export/<uuid:operation_id>/file/",
        site.admin_view(export_file),
        name="export_file",
    )
    page = path("export/", site.admin_view(partial(export_page, site)), name="export_data")
    return [*record_urls(site), file, *([] if kind == PUBLIC else [page])]


def export_page(site: AdminSite, request: HttpRequest) -> HttpResponse:
    """One's own tenant: what it is, the button, and the files of late; by POST it starts."""
    require(request, EXPORT)
    tenant = tenant_here()
    if request.method == "POST":
        return begin(request, tenant, EXPORT, "admin:export_data")
    context = {
        **site.each_context(request),
        "title": _("Export all data"),
        "exports": exports_of(tenant),
        "kept_days": KEPT.days,
    }
    return render(request, "transfers/export.html", context)


def begin(request: HttpRequest, tenant: Any, permission: str, back: str, *args: Any) -> Any:
    """Start an export and lead to its page; while one runs, say so on the page before."""
    try:
        operation = start_export(
            tenant,
            permission=permission,
            actor=user_actor(request.user),
        )
    except ConflictError as error:
        messages.warning(request, error.message)
        return redirect(back, *args)
    return redirect("operation", operation.uuid)


def export_file(request: HttpRequest, operation_id: Any) -> HttpResponseBase:
    """The file, for those who may export; each download is an event."""
    operation = get_object_or_404(Operation, uuid=operation_id, name=PIPELINE)
    require(request, operation.params["permission"])
    try:
        return answer_file(operation, actor=user_actor(request.user))
    except NotFoundError as error:
        raise Http404(error.message) from error


def answer_file(operation: Operation, *, actor: Actor) -> FileResponse:
    """The file of an export, to be downloaded; NotFoundError once it is gone."""
    return FileResponse(
        open_file(operation, actor=actor),
        as_attachment=True,
        filename=name_of(operation),
        content_type="application/x-tar",
    )
