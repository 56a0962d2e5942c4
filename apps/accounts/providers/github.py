"""GitHub, which is there only where an owner set it up."""

from collections.abc import Callable
from functools import wraps

from allauth.socialaccount.models import SocialApp
from allauth.socialaccount.providers.github import views
from django.http import Http404, HttpRequest, HttpResponse

from apps.accounts.providers.pages import leave

View = Callable[[HttpRequest], HttpResponse]


def _where_set_up(view: View) -> View:
    @wraps(view)
    def shown(request: HttpRequest) -> HttpResponse:
        try:
            return view(request)
        except SocialApp.DoesNotExist:
            raise Http404 from None

    return shown


@_where_set_up
def login(request: HttpRequest) -> HttpResponse:
    """Leave for GitHub."""
    return leave(request, "GitHub", views.oauth2_login(request))


callback = _where_set_up(views.oauth2_callback)
