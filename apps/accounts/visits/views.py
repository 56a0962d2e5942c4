"""The ways into a support visit and out of it."""

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.middleware.csrf import rotate_token
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from apps.accounts import hand_off
from apps.accounts.addresses import host_of, local_path, platform_url
from apps.accounts.exceptions import HandOffError
from apps.accounts.models import Visit
from apps.accounts.security.methods import add_methods
from apps.accounts.services import is_spent
from apps.accounts.views import refused
from apps.accounts.visits import services

_HOME = "/admin/"
_ORGANISATIONS = "/admin/tenants/organisation/"


@require_GET
@never_cache
def sso_visit(request: HttpRequest) -> HttpResponse:
    """Come in as support, once with each link; whoever was signed in here before is out."""
    try:
        entrance = services.open_entrance(request.GET.get("token", ""), host=host_of(request))
        visit = _admit(request, entrance)
    except HandOffError as error:
        return refused(request, error)
    request.session.flush()
    request.session[services.SESSION_KEY] = str(visit.uuid)
    add_methods(request, entrance.message.amr)
    rotate_token(request)
    response = HttpResponseRedirect(local_path(entrance.message.next_path, _HOME))
    response.delete_cookie(hand_off.cookie_name(entrance.state, is_secure=request.is_secure()))
    return response


@require_POST
@login_required
def leave(request: HttpRequest) -> HttpResponse:
    """End the visit, and back to the operator's organisations."""
    visit: Visit | None = getattr(request.user, "visit", None)
    if visit is None:
        return redirect("/")
    services.end(visit.uuid, actor=visit.actor)
    request.session.flush()
    return HttpResponseRedirect(platform_url(_ORGANISATIONS))


def over(request: HttpRequest) -> HttpResponse:
    """What is said to whoever goes on in a window after the end."""
    if request.headers.get("HX-Request"):
        # A part of a page cannot say it; the whole page, asked for anew, does.
        return HttpResponse(status=204, headers={"HX-Refresh": "true"})
    request.session.flush()
    context = {"again": platform_url(_ORGANISATIONS)}
    return render(request, "sso/visit_over.html", context, status=403)


def _admit(request: HttpRequest, entrance: services.VisitEntrance) -> Visit:
    # Asked before the cookie, which is gone once the link was used.
    if is_spent(entrance.jti):
        raise HandOffError("used")
    hand_off.check_browser(entrance.state, request.COOKIES, is_secure=request.is_secure())
    return services.begin(entrance)
