"""The front page, a person's organisations, and the way from here into one of them."""

from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from apps.accounts import hand_off
from apps.accounts.addresses import console_host, console_url, local_path
from apps.accounts.models import User
from apps.accounts.security.methods import methods_of
from apps.accounts.services import has_verified_email
from apps.billing.services import offered_plans
from apps.tenants import closing
from apps.tenants.models import Organisation
from apps.tenants.querysets import organisation_at, organisations_of
from apps.tenants.services import role_of
from apps.tenants.views.plans import plan_rows
from apps.tenants.views.steps import step_url
from apps.tenants.views.support import enter_as_support, way_into

_INTO_CONSOLE = "/sso/login/?next=/admin/"


@require_GET
def front(request: HttpRequest) -> HttpResponse:
    """What DotMac is, what it costs, and where sign-up begins."""
    context = {
        "plans": plan_rows(offered_plans()),
        "signup_url": reverse("signup"),
        "login_url": reverse("account_login"),
        "console_url": reverse("organisations_open") if request.user.is_authenticated else "",
    }
    return render(request, "pages/front.html", context)


@require_GET
@never_cache
@login_required
def organisations(request: HttpRequest) -> HttpResponse:
    """The organisations of a person, with the ways into their consoles."""
    assert isinstance(request.user, User)
    rows = [_row(one, request.user) for one in organisations_of(request.user)]
    context = {
        "organisations": rows,
        "closed": [_closed_row(one) for one in closing.owned_by(request.user)],
        "signup_url": reverse("signup"),
        "admin_url": "/admin/" if request.user.is_staff else "",
    }
    return render(request, "organisations/list.html", context)


@require_GET
@never_cache
@login_required
def open_console(request: HttpRequest) -> HttpResponse:
    """After log-in: into the only console, or where the person chooses, or begins."""
    assert isinstance(request.user, User)
    mine = list(organisations_of(request.user)[:2])
    if request.user.is_staff:
        return HttpResponseRedirect(reverse("organisations") if mine else "/admin/")
    if not mine:
        return HttpResponseRedirect(reverse("signup"))
    if len(mine) > 1:
        return HttpResponseRedirect(reverse("organisations"))
    return HttpResponseRedirect(console_url(mine[0].slug, _INTO_CONSOLE))


@require_GET
@never_cache
@login_required
def authorize(request: HttpRequest) -> HttpResponse:
    """Hand a member over to the console or workspace that asks who is in this browser.

    404 for a host that is not of an organisation of theirs, so that outsiders learn nothing.
    """
    assert isinstance(request.user, User)
    host, state = request.GET.get("host", "").lower(), request.GET.get("state", "")
    organisation = organisation_at(host)
    if organisation is None or not hand_off.is_state(state):
        raise Http404
    role = role_of(organisation, request.user)
    if role is None:
        return enter_as_support(request, organisation, host=host, state=state)
    if not has_verified_email(request.user):
        return HttpResponseRedirect(step_url("verify"))
    token = hand_off.issue(
        request.user,
        host=host,
        state=state,
        role=role,
        next_path=local_path(request.GET.get("next"), "/admin/"),
        amr=methods_of(request),
    )
    return HttpResponseRedirect(way_into(organisation, host, "/sso/enter/", token))


def _row(organisation: Organisation, user: User) -> dict[str, Any]:
    is_owner = organisation.owner == user.uuid
    return {
        "owner_url": reverse("organisation_owner", args=[organisation.slug]) if is_owner else "",
        "closing_url": reverse("organisation_closing", args=[organisation.slug])
        if is_owner
        else "",
        "name": organisation.name,
        "host": console_host(organisation.slug),
        "url": console_url(organisation.slug, _INTO_CONSOLE),
        "status": organisation.get_status_display(),
        "plan": organisation.plan_key.capitalize(),
    }


def _closed_row(organisation: Organisation) -> dict[str, Any]:
    return {
        "name": organisation.name,
        "host": console_host(organisation.slug),
        "erase_after": organisation.erase_after,
        "closing_url": reverse("organisation_closing", args=[organisation.slug]),
    }
