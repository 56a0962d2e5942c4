"""Where a person says how they read: in which language, and in which time zone."""

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.views.decorators.http import require_POST

from apps.accounts.addresses import local_path
from apps.accounts.languages import choose_language
from apps.accounts.models import User
from apps.accounts.zones import choose_zone
from apps.core.languages import names
from apps.core.zones import is_zone
from apps.events.actors import user_actor

_YEAR_S = 365 * 24 * 3600


@require_POST
def set_language(request: HttpRequest) -> HttpResponse:
    """Keep a language for this browser, and for the person who is signed in; empty: none.

    With it their time zone, where the form has one.
    """
    code, zone = request.POST.get("language", ""), request.POST.get("time_zone")
    response = HttpResponseRedirect(local_path(request.POST.get("next"), "/"))
    if code and code not in names():
        return response
    if isinstance(request.user, User):
        choose_language(request.user, code, actor=user_actor(request.user))
        if zone is not None and (not zone or is_zone(zone)):
            choose_zone(request.user, zone, actor=user_actor(request.user))
    if not code:
        response.delete_cookie(settings.LANGUAGE_COOKIE_NAME)
        return response
    response.set_cookie(
        settings.LANGUAGE_COOKIE_NAME,
        code,
        max_age=_YEAR_S,
        secure=request.is_secure(),
        httponly=True,
        samesite="Lax",
    )
    return response
