"""What an admin site has beside each of its lists: an export, kept views, a choice of columns."""

from functools import partial
from typing import Any

from django.contrib import messages
from django.contrib.admin import AdminSite, ModelAdmin
from django.contrib.admin.options import IncorrectLookupParameters
from django.core.exceptions import PermissionDenied
from django.http import FileResponse, Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from apps.core.csvs import csv_answer
from apps.core.exceptions import DomainError
from apps.events import services as events
from apps.events.actors import Subject, user_actor
from apps.lists import services
from apps.lists.columns import columns_of
from apps.lists.exporting import may_export, write_list


def list_urls(site: AdminSite) -> list[URLPattern]:
    """The addresses below a site's own."""
    here = "lists/<slug:app>/<slug:model>/"
    shown = site.admin_view(partial(export, site))
    saved = site.admin_view(require_POST(partial(save, site)))
    removed = site.admin_view(require_POST(partial(remove, site)))
    chosen = site.admin_view(require_POST(partial(choose, site)))
    return [
        path(f"{here}export.csv", shown, name="list_export"),
        path(f"{here}views/", saved, name="list_save_view"),
        path(f"{here}views/<int:view>/remove/", removed, name="list_remove_view"),
        path(f"{here}columns/", chosen, name="list_columns"),
    ]


def export(site: AdminSite, request: HttpRequest, app: str, model: str) -> HttpResponseBase:
    """The list as its parameters show it, whole, as CSV."""
    admin = _admin(site, request, app, model)
    if not may_export(admin, request):
        raise PermissionDenied
    try:
        shown = admin.get_changelist_instance(request)
    except IncorrectLookupParameters:
        return redirect(_list(admin))
    name = f"{model}-{timezone.localdate():%Y-%m-%d}.csv"
    counted: list[int] = []
    answer: FileResponse = csv_answer(
        lambda file: counted.append(write_list(shown, admin, file)), name
    )
    about = Subject("list", f"{app}.{model}", str(admin.opts.verbose_name_plural))
    # Each value by itself, so that a person's name is found where it is to be erased.
    filters = {key: values for key, values in request.GET.lists() if any(values)}
    data = {"rows": counted[0], "filters": filters}
    events.record("list.exported", actor=user_actor(request.user), subject=about, data=data)  # type: ignore[arg-type]
    return answer


def save(site: AdminSite, request: HttpRequest, app: str, model: str) -> HttpResponse:
    """Keep the view that is shown under a name."""
    admin = _admin(site, request, app, model)
    query = services.kept_query(request.POST.get("query", ""))
    name = request.POST.get("name", "")
    try:
        services.save_view(request.user, admin.opts.label_lower, name, query)  # type: ignore[arg-type]
    except DomainError as error:
        messages.error(request, error.message)
    else:
        messages.success(request, _("“%(name)s” is kept.") % {"name": name.strip()})
    return redirect(f"{_list(admin)}?{query}")


def remove(site: AdminSite, request: HttpRequest, app: str, model: str, view: int) -> HttpResponse:
    """Let one's own view go."""
    admin = _admin(site, request, app, model)
    own = services.views_of(request.user, admin.opts.label_lower)  # type: ignore[arg-type]
    found = get_object_or_404(own, pk=view)
    found.delete()
    messages.success(request, _("“%(name)s” is removed.") % {"name": found.name})
    return redirect(_list(admin))


def choose(site: AdminSite, request: HttpRequest, app: str, model: str) -> HttpResponse:
    """Show the chosen columns, or those of the list again."""
    admin = _admin(site, request, app, model)
    list_key = admin.opts.label_lower
    if "standard" in request.POST:
        services.forget_columns(request.user, list_key)  # type: ignore[arg-type]
    else:
        chosen = request.POST.getlist("columns")
        names = [column.name for column in columns_of(admin, request) if column.name in chosen]
        services.choose_columns(request.user, list_key, names)  # type: ignore[arg-type]
    query = services.kept_query(request.POST.get("query", ""))
    return redirect(f"{_list(admin)}?{query}" if query else _list(admin))


def _admin(site: AdminSite, request: HttpRequest, app: str, model: str) -> "ModelAdmin[Any]":
    """The admin of a list that this person may see."""
    label = f"{app}.{model}"
    found = next((a for m, a in site._registry.items() if m._meta.label_lower == label), None)
    if found is None:
        raise Http404
    if not found.has_view_permission(request):
        raise PermissionDenied
    return found


def _list(admin: "ModelAdmin[Any]") -> str:
    return reverse(f"admin:{admin.opts.app_label}_{admin.opts.model_name}_changelist")
