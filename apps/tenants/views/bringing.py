"""The page on which a tenant's file is taken in, looked at, and brought in."""

from datetime import datetime
from typing import Any

from django.contrib import messages
from django.contrib.admin import AdminSite
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.dateparse import parse_datetime
from django.utils.http import urlencode
from django.utils.translation import gettext as _

from apps.accounts.access import require
from apps.accounts.models import User
from apps.accounts.security.proof import where_to_prove
from apps.core.exceptions import DomainError
from apps.core.languages import grouped
from apps.events.actors import user_actor
from apps.tenants.adopting import PERMISSION
from apps.tenants.bringing import services
from apps.tenants.forms import ImportFileForm, ImportSlugForm

_PAGE = "admin:tenants_organisation_import"


def import_page(site: AdminSite, request: HttpRequest) -> HttpResponse:
    """The files that wait; with `?file=` what one would become here, and the button."""
    require(request, PERMISSION)
    user, name = request.user, request.GET.get("file", "")
    if isinstance(user, User) and (address := where_to_prove(request, user)):
        return HttpResponseRedirect(address)
    form = ImportFileForm()
    if request.method == "POST":
        form, answer = _do(request, name)
        if answer is not None:
            return answer
    context = {
        **site.each_context(request),
        "title": _("Import a tenant"),
        "form": form,
        "name": name,
        "slug_form": ImportSlugForm(initial={"slug": _slug(request)}),
        "waiting": [] if name else services.waiting(),
        "folder": services.folder(),
        "kept_days": services.KEPT.days,
        **(_look(request, name) if name else {}),
    }
    return render(request, "organisations/import.html", context)


def _do(request: HttpRequest, name: str) -> tuple[ImportFileForm, HttpResponse | None]:
    what = request.POST.get("what")
    if what == "upload":
        return _upload(request)
    act = {"start": _start, "remove": _remove}.get(str(what))
    if act is None or not name:
        raise Http404
    try:
        return ImportFileForm(), act(request, name)
    except DomainError as error:
        messages.error(request, error.message)
        return ImportFileForm(), redirect(_PAGE)


def _upload(request: HttpRequest) -> tuple[ImportFileForm, HttpResponse | None]:
    form = ImportFileForm(request.POST, request.FILES)
    if not form.is_valid():
        return form, None
    file = form.cleaned_data["file"]
    try:
        kept = services.keep(file.name, file.chunks())
    except DomainError as error:
        form.add_error("file", error.message)
        return form, None
    return form, redirect(f"{reverse(_PAGE)}?{urlencode({'file': kept})}")


def _start(request: HttpRequest, name: str) -> HttpResponse:
    by = user_actor(request.user)
    operation = services.start_import(name, slug=_slug(request), actor=by)
    return redirect("operation", operation.uuid)


def _remove(_request: HttpRequest, name: str) -> HttpResponse:
    services.remove(name)
    return redirect(_PAGE)


def _look(request: HttpRequest, name: str) -> dict[str, Any]:
    """What the file says of itself, or why it cannot be brought in."""
    try:
        services.file_named(name)
    except DomainError as error:
        raise Http404 from error
    try:
        found = services.look_at(name, slug=_slug(request))
    except DomainError as error:
        return {"found": None, "refused": error.message}
    made_at = _time(found.manifest.made_at)
    return {"found": found, "rows": grouped(found.manifest.rows), "made_at": made_at}


def _time(written: str) -> datetime | str:
    """As a time, for people; whoever wrote the file may have written anything."""
    try:
        return parse_datetime(written) or written
    except ValueError:
        return written


def _slug(request: HttpRequest) -> str:
    return request.GET.get("slug", "").strip()
