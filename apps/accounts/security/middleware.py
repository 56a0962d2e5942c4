"""What every request of somebody signed in passes: a note of their session, and the policy."""

from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured, PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.cache import add_never_cache_headers

from apps.accounts.models import User
from apps.accounts.security.methods import holds_second_factor, methods_of
from apps.accounts.security.policy import is_due
from apps.accounts.security.sessions import client_ip, note_seen
from apps.events.origins import coming_from

# Where somebody without the factor that is demanded sets one up, uses one, or leaves. Passkeys
# and codes are all below names that begin with mfa_.
_WAYS_OUT = frozenset(
    {
        "account_second_factor",
        "account_reauthenticate",
        "account_end_session",
        "account_logout",
        "account_login",
        "account_inactive",
        "account_confirm_email",
        "account_email_verification_sent",
        "account_reset_password",
        "account_reset_password_done",
        "account_reset_password_from_key",
        "account_reset_password_from_key_done",
        "account_set_password",
        "admin:logout",
        "admin:jsi18n",
        "brand_colours",
        "set_language",
        "brand_mark",
        "brand_logo",
        "sso_login",
        "sso_enter",
    }
)


class PrivateMiddleware:
    """Nobody keeps what somebody with a session was shown, unless the page itself says who may.

    Not the browser either: after a log-out “Back” shows no recovery codes.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        has_session = settings.SESSION_COOKIE_NAME in request.COOKIES
        if has_session and not response.has_header("Cache-Control"):
            add_never_cache_headers(response)
        return response


class OriginMiddleware:
    """Tells the event log from where the request comes."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        def address() -> str:
            try:
                return client_ip(request)
            except (ImproperlyConfigured, PermissionDenied):
                # No address, or one that the edge did not write: the event counts more.
                return ""

        with coming_from(address):
            return self.get_response(request)


class SecondFactorMiddleware:
    """Leads people who need a second factor to set one up, and nowhere else.

    Programs come with a key, which has no factors; nobody uses the API by session.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        # Without the cookie nobody is signed in, and the session need not be touched. A support
        # visit is no session of a person's.
        has_cookie = settings.SESSION_COOKIE_NAME in request.COOKIES
        if has_cookie and isinstance(request.user, User) and request.user.visit is None:
            note_seen(request)
        return self.get_response(request)

    def process_view(
        self, request: HttpRequest, view: Callable[..., Any], args: Any, kwargs: Any
    ) -> HttpResponse | None:
        """A redirect for those who may not go on; None for all others."""
        if settings.SESSION_COOKIE_NAME not in request.COOKIES or _is_way_out(request):
            return None
        user = request.user
        if not isinstance(user, User) or holds_second_factor(methods_of(request)):
            return None
        return _lead(request) if is_due(user) else None


def _is_way_out(request: HttpRequest) -> bool:
    name = request.resolver_match.view_name if request.resolver_match else ""
    return name in _WAYS_OUT or name.startswith("mfa_") or request.path.startswith("/api/")


def _lead(request: HttpRequest) -> HttpResponse:
    address = reverse("account_second_factor")
    if request.headers.get("HX-Request"):
        # A part of a page cannot lead away; the whole page can.
        return HttpResponse(status=204, headers={"HX-Redirect": address})
    if request.method == "GET":
        address = f"{address}?{urlencode({'next': request.get_full_path()})}"
    return HttpResponseRedirect(address)
