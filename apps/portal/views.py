"""The portal's own pages: what the apps above registered, inside one shell."""

from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache

from apps.portal import registry

registry.page("portal_home", _("Home"), icon="house", order=10)
registry.page("portal_services", _("Services"), icon="router", order=20)


@never_cache
@login_required
def home(request: HttpRequest) -> HttpResponse:
    """A customer's first page; staff who are no customers are led to the admin."""
    context = registry.portal_context(request)
    if context is None and getattr(request.user, "is_staff", False):
        return render(request, "portal/staff.html", {**shell(request), "nav": []})
    return _page(request, "portal/home.html", context)


@never_cache
@login_required
def services(request: HttpRequest) -> HttpResponse:
    """What the customer has."""
    return _page(request, "portal/services.html", registry.portal_context(request))


def shell(request: HttpRequest) -> dict[str, Any]:
    """What layouts/portal.html needs around a page."""
    here = request.resolver_match.url_name if request.resolver_match else ""
    nav = [
        {
            "title": entry.title,
            "url": reverse(entry.url_name),
            "icon": entry.icon,
            "current": entry.url_name == here,
        }
        for entry in registry.pages()
    ]
    return {"nav": nav, "user_name": str(request.user), "logout_url": reverse("account_logout")}


def _page(request: HttpRequest, template: str, context: dict[str, Any] | None) -> HttpResponse:
    if context is None:
        raise Http404("Nobody's page")
    return render(request, template, {**shell(request), **context})
