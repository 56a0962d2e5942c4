"""The page of a server's loss: declaring it, and removing what is left when it comes back."""

from typing import Any

from django.contrib import messages
from django.contrib.admin import AdminSite
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _

from apps.accounts.access import narrow, require
from apps.accounts.models import User
from apps.accounts.security.proof import where_to_prove
from apps.core.exceptions import DomainError
from apps.events.actors import user_actor
from apps.fleet import services
from apps.fleet.engines import probing_engine
from apps.fleet.forms import LossForm
from apps.fleet.leftovers import Leftovers, leftovers_of
from apps.fleet.models import Placement, Server
from apps.fleet.permissions import LOSE
from apps.operations import services as operations
from dotmac.engine import EngineError


def lost_page(site: AdminSite, request: HttpRequest, pk: int) -> HttpResponse:
    """What the loss means, and the form; of a lost one, what it still has, once it answers."""
    require(request, LOSE)
    server = get_object_or_404(narrow(request.user, Server.objects.all()), pk=pk)
    user = request.user
    if isinstance(user, User) and (address := where_to_prove(request, user)):
        return HttpResponseRedirect(address)
    is_losing = request.POST.get("what") == "lose"
    form = LossForm(server, request.POST if is_losing else None)
    if request.method == "POST":
        answer = _lose(request, server, form) if is_losing else _clear(request, server)
        if answer is not None:
            return answer
    context = {
        **site.each_context(request),
        "title": _("Loss of %(server)s") % {"server": server},
        "server": server,
        "form": form,
        "is_away": server.status == Server.Status.UNREACHABLE,
        "is_lost": server.status == Server.Status.LOST,
        "operation": operations.active_on(server),
        **_placed(server),
        **_left(server),
    }
    return render(request, "operator/server_lost.html", context)


def _lose(request: HttpRequest, server: Server, form: LossForm) -> HttpResponse | None:
    if not form.is_valid():
        return None
    reason = form.cleaned_data["reason"]
    try:
        services.declare_lost(server, reason=reason, actor=user_actor(request.user))
    except DomainError as error:
        form.add_error(None, error.message)
        return None
    messages.success(request, _("%(server)s is given up.") % {"server": server})
    return redirect("admin:fleet_server_lost", server.pk)


def _clear(request: HttpRequest, server: Server) -> HttpResponse:
    try:
        operation = services.remove_leftovers(server, actor=user_actor(request.user))
    except DomainError as error:
        messages.error(request, error.message)
        return redirect("admin:fleet_server_lost", server.pk)
    return redirect("operation", operation.uuid)


def _placed(server: Server) -> dict[str, Any]:
    """Whose instances it has, each once."""
    rows = server.placements.filter(status__in=Placement.OPEN).order_by("schema", "instance_name")
    names = rows.values_list("schema", "instance_name", "instance").distinct()
    return {"placed": [f"{name} ({schema})" for schema, name, _instance in names]}


def _left(server: Server) -> dict[str, Any]:
    """What it has of before, where it answers."""
    found: Leftovers | None = None
    if server.is_back and server.given_up:
        try:
            found = leftovers_of(server, probing_engine(server))
        except EngineError:
            found = None
    return {"left": found}
