"""What every request of a support visit passes: whether it goes on, and where it may not go."""

from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse

from apps.accounts.models import User
from apps.accounts.visits import views
from apps.accounts.visits.services import SESSION_KEY, visitor_in

_SIGN_OUT = ("account_logout", "admin:logout")
# What belongs to a person, who a visitor is not here, and what is refused whatever a role holds.
_CLOSED = (
    "account_",
    "mfa_",
    "openid_connect_",
    "saml_",
    "github_",
    "socialaccount_",
    "notification_settings",
    "admin:accounts_",
    "admin:events_",
    "admin:list_export",
    "admin:password_change",
)


class VisitMiddleware:
    """Makes the visitor the person of the request while the visit goes on."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        has_cookie = settings.SESSION_COOKIE_NAME in request.COOKIES
        if not has_cookie or SESSION_KEY not in request.session:
            return self.get_response(request)
        visitor = visitor_in(request.session)
        if visitor is None:
            return views.over(request)
        request.user = visitor
        return self.get_response(request)

    def process_view(
        self, request: HttpRequest, view: Callable[..., Any], args: Any, kwargs: Any
    ) -> HttpResponse | None:
        """Signing out is leaving; PermissionDenied for what is not a visitor's."""
        if not isinstance(request.user, User) or request.user.visit is None:
            return None
        name = request.resolver_match.view_name if request.resolver_match else ""
        if name in _SIGN_OUT:
            return views.leave(request) if request.method == "POST" else None
        if name.startswith(_CLOSED):
            raise PermissionDenied
        return None
