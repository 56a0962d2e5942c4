"""The page behind the link of an invitation to a console, where its people sign in."""

from functools import partial

from django.http import HttpRequest, HttpResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from apps.accounts.addresses import console_url
from apps.accounts.invitation_views import invitation_page, over
from apps.tenants import joining


@never_cache
@require_http_methods(["GET", "POST"])
def invitation(request: HttpRequest, slug: str, token: str) -> HttpResponse:
    """Sign up or accept as who one is, then go into the console."""
    organisation = joining.open_organisation(slug)
    found = joining.invitation_to(organisation, token) if organisation else None
    if organisation is None or found is None:
        return over(request)
    into = console_url(organisation.slug, "/sso/login/?next=/admin/")
    join = partial(joining.join, organisation, found)
    return invitation_page(request, found, join, into=into, where=organisation.name)
