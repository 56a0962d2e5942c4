"""The pages of an import: upload, the result of the check, the rows in error, the start."""

import csv
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import FileResponse, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import URLPattern, path
from django.utils.translation import gettext_lazy as _
from unfold.admin import ModelAdmin

from apps.accounts.access import require
from apps.core.csvs import csv_answer
from apps.core.exceptions import DomainError
from apps.core.languages import grouped
from apps.events.actors import user_actor
from apps.operations.services import active_on
from apps.subscribers import imports
from apps.subscribers.exporting import write_errors, write_subscribers
from apps.subscribers.forms import StartForm, UploadForm
from apps.subscribers.importing.layout import COLUMNS
from apps.subscribers.models import Subscriber, SubscriberImport

_SHOWN_ERRORS, _SHOWN_ROWS = 50, 5
_ENCODINGS = {"utf-8-sig": "UTF-8", "cp1252": "Windows-1252"}
_EXAMPLE = {
    "number": "C-1001",
    "name": "Dora Diaz",
    "email": "dora@example.com",
    "phone": "+1 319 555 0142",
    "street": "12 Oak Avenue",
    "postcode": "50613",
    "city": "Cedar Falls",
    "country": "US",
    "plan": "Fiber 100",
    "username": "dora.diaz",
    "status": "active",
    "external_id": "OLD-17",
}


class ImportPages(ModelAdmin):  # type: ignore[misc]
    """What an admin of subscribers has beside its list: lists brought and taken as CSV."""

    def get_urls(self) -> list[URLPattern]:
        """The pages of imports, before the admin's own."""
        wrap = self.admin_site.admin_view
        return [
            path("import/", wrap(self.upload), name="subscribers_import"),
            path("import/example.csv", wrap(self.example), name="subscribers_import_example"),
            path("import/<uuid:uuid>/", wrap(self.result), name="subscribers_import_result"),
            path("import/<uuid:uuid>/errors.csv", wrap(self.errors), name="subscribers_errors"),
            path("export.csv", wrap(self.export), name="subscribers_export"),
            *super().get_urls(),
        ]

    def upload(self, request: HttpRequest) -> HttpResponse:
        """Choose a file."""
        self._require_transfer(request)
        form = UploadForm(request.POST or None, request.FILES or None)
        if request.method == "POST" and form.is_valid():
            actor = user_actor(request.user)  # type: ignore[arg-type]
            try:
                source = imports.receive_file(form.cleaned_data["file"], actor=actor)
            except DomainError as error:
                form.add_error("file", error.message)
            else:
                return redirect("admin:subscribers_import_result", source.uuid)
        recent = SubscriberImport.objects.all()[:5]
        own = {"form": form, "columns": COLUMNS, "recent": recent}
        return self._import_page(request, "upload", _("Import subscribers"), own)

    def result(self, request: HttpRequest, uuid: UUID) -> HttpResponse:
        """What the check found, and the button that imports."""
        self._require_transfer(request)
        source = get_object_or_404(SubscriberImport, uuid=uuid)
        form = StartForm(request.POST or None)
        if request.method == "POST" and form.is_valid():
            return self._start(request, source, form.cleaned_data["mode"])
        bad = source.rows.filter(is_good=False).order_by("row")
        own = {
            "source": source,
            "form": form,
            "operation": active_on(source),
            "errors": [(row.row, error) for row in bad[:_SHOWN_ERRORS] for error in row.errors],
            "shown_errors": _SHOWN_ERRORS,
            "preview": [(row.row, row.cells) for row in source.rows.all()[:_SHOWN_ROWS]],
            "header": source.layout.get("header", []),
            "counts": {
                "total": grouped(source.total_rows),
                "good": grouped(source.good_rows),
                "bad": grouped(source.error_rows),
                "made": grouped(source.created_rows),
            },
            "encoding": _ENCODINGS.get(source.layout.get("encoding", ""), "UTF-16"),
            "ignored": imports.ignored_headings(source),
        }
        return self._import_page(request, "result", source.filename, own)

    def errors(self, request: HttpRequest, uuid: UUID) -> FileResponse:
        """The rows in error as a file, to correct and bring again."""
        self._require_transfer(request)
        source = get_object_or_404(SubscriberImport, uuid=uuid)
        return csv_answer(lambda file: write_errors(source, file), f"errors-{source.filename}")

    def example(self, request: HttpRequest) -> FileResponse:
        """A list with one row, to fill in."""
        self._require_transfer(request)
        lines = [list(_EXAMPLE), list(_EXAMPLE.values())]
        return csv_answer(lambda file: csv.writer(file).writerows(lines), "example.csv")

    def export(self, request: HttpRequest) -> FileResponse:
        """All subscribers that the person may see."""
        require(request, "subscribers.transfer")
        everyone = Subscriber.objects.visible_to(request.user)  # type: ignore[arg-type]
        return csv_answer(lambda file: write_subscribers(everyone, file), "subscribers.csv")

    def _start(self, request: HttpRequest, source: SubscriberImport, mode: str) -> HttpResponse:
        try:
            imports.start_import(source, mode=mode, actor=user_actor(request.user))  # type: ignore[arg-type]
        except DomainError as error:
            messages.error(request, error.message)
        return redirect("admin:subscribers_import_result", source.uuid)

    def _require_transfer(self, request: HttpRequest) -> None:
        require(request, "subscribers.transfer")

    def _import_page(
        self, request: HttpRequest, name: str, title: Any, own: dict[str, Any]
    ) -> HttpResponse:
        site = self.admin_site.each_context(request)
        context = {**site, "title": title, **own}
        return render(request, f"subscribers/import_{name}.html", context)
