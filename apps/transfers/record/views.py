"""The page on which a long part of the record is exported, and the file."""

from functools import partial
from typing import Any

from django.contrib import messages
from django.contrib.admin import AdminSite
from django.http import FileResponse, Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import URLPattern, path
from django.utils.translation import gettext as _

from apps.accounts.access import may, require
from apps.core.exceptions import ConflictError, NotFoundError
from apps.core.languages import grouped
from apps.events.actors import user_actor
from apps.events.exporting import FORMS, MOST_AT_ONCE
from apps.operations.models import Operation
from apps.transfers.record.services import (
    KEPT,
    PIPELINE,
    VIEW,
    exports,
    form_of,
    open_file,
    start_export,
)


def record_urls(site: AdminSite) -> list[URLPattern]:
    """The addresses below a site's own."""
    page = site.admin_view(partial(record_page, site))
    file = site.admin_view(record_file)
    return [
        path("export/record/", page, name="record_export"),
        path("export/record/<uuid:operation_id>/file/", file, name="record_export_file"),
    ]


def record_page(site: AdminSite, request: HttpRequest) -> HttpResponse:
    """What the address's filters leave, as a file; by POST a worker begins to write it."""
    require(request, VIEW)
    if request.method == "POST":
        return _begin(request)
    context = {
        **site.each_context(request),
        "title": _("Export the event log"),
        "exports": exports(),
        "is_filtered": any(any(values) for _key, values in request.GET.lists()),
        "most": grouped(MOST_AT_ONCE),
        "kept_days": KEPT.days,
        "may_follow": may(request.user, "operations.view"),
    }
    return render(request, "transfers/record.html", context)


def _begin(request: HttpRequest) -> HttpResponse:
    form = request.POST.get("form", "")
    try:
        operation = start_export(
            request.GET.urlencode(),
            form if form in FORMS else "csv",
            actor=user_actor(request.user),
        )
    except ConflictError as error:
        messages.warning(request, error.message)
        return redirect("admin:record_export")
    if may(request.user, "operations.view"):
        return redirect("operation", operation.uuid)
    messages.success(request, _("The file is being written. It will stand on this page."))
    return redirect("admin:record_export")


def record_file(request: HttpRequest, operation_id: Any) -> FileResponse:
    """The file, for those who may see the record; each download is an event."""
    operation = get_object_or_404(Operation, uuid=operation_id, name=PIPELINE)
    require(request, VIEW)
    form = form_of(operation)
    try:
        file = open_file(operation, actor=user_actor(request.user))
    except NotFoundError as error:
        raise Http404(error.message) from error
    return FileResponse(
        file, as_attachment=True, filename=form.file, content_type=form.content_type
    )
