"""What was erased and is here again since a restore, and the buttons that erase it again."""

from typing import Any

from django.contrib import messages
from django.contrib.admin import AdminSite
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from apps.accounts.access import require
from apps.accounts.models import User
from apps.accounts.security.proof import where_to_prove
from apps.core.exceptions import DomainError
from apps.events.actors import user_actor
from apps.tenants.closing import PERMISSION
from apps.tenants.erasing.again import come_back, erase_again
from apps.tenants.erasing.people import erase_person_again, people_come_back

_PAGE = "admin:tenants_erasure_again"


def again_page(site: AdminSite, request: HttpRequest) -> HttpResponse:
    """Organisations by their certificates, people by their ids; by POST one or all of them go."""
    require(request, PERMISSION)
    user = request.user
    if isinstance(user, User) and (address := where_to_prove(request, user)):
        return HttpResponseRedirect(address)
    if request.method == "POST":
        return _people(request) if request.POST.get("what") == "people" else _organisation(request)
    context: dict[str, Any] = {
        **site.each_context(request),
        "title": _("After a restore"),
        "organisations": list(come_back().order_by("name")),
        "people": list(people_come_back()),
    }
    return render(request, "operator/erase_again.html", context)


def _organisation(request: HttpRequest) -> HttpResponse:
    number = request.POST.get("erasure", "")
    if not number.isdigit():
        raise Http404
    erasure = get_object_or_404(come_back(), pk=number)
    try:
        operation = erase_again(erasure, actor=user_actor(request.user))
    except DomainError as error:
        messages.error(request, error.message)
        return redirect(_PAGE)
    return redirect("operation", operation.uuid)


def _people(request: HttpRequest) -> HttpResponse:
    done = 0
    for one in people_come_back():
        try:
            erase_person_again(one, actor=user_actor(request.user))
            done += 1
        except DomainError as error:
            messages.error(request, f"{one.row.schema}: {error.message}")
    if done:
        text = ngettext("%(count)s person is erased.", "%(count)s people are erased.", done)
        messages.success(request, text % {"count": done})
    return redirect(_PAGE)
