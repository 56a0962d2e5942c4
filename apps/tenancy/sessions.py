"""Sessions under the name of their cookie, and under the one that they had before (ADR 035).

Any host of the same domain can set a cookie of a plain name, and none one that begins with
__Host-. So a plain one counts only for a session that a release before has made: those that were
saved since bear a mark, and whoever plants one has no other.
"""

from collections.abc import Mapping

from django.conf import settings
from django.contrib.sessions.backends.db import SessionStore
from django.contrib.sessions.middleware import SessionMiddleware
from django.http import HttpRequest, HttpResponse

_PREFIX = "__Host-"
_MARK = "by_host_cookie"


class HostSessionMiddleware(SessionMiddleware):
    """Django's, which takes a session over into the cookie of the new name."""

    def process_request(self, request: HttpRequest) -> None:
        """Find the session; one by an old cookie gets the new one with the answer."""
        key = session_key_of(request.COOKIES)
        is_old = bool(key) and settings.SESSION_COOKIE_NAME not in request.COOKIES
        if is_old:
            request.COOKIES[settings.SESSION_COOKIE_NAME] = str(key)
            _take_token_over(request)
        super().process_request(request)
        if is_old:
            request.session.modified = True

    def process_response(self, request: HttpRequest, response: HttpResponse) -> HttpResponse:
        """Mark what is saved. The old cookie stays, for who goes back to the release before."""
        session = request.session
        if session.modified and not session.is_empty():
            session[_MARK] = True
        answer = super().process_response(request, response)
        if _is_a_script_s(request):
            _keep_cookie(answer)
        return answer


def _is_a_script_s(request: HttpRequest) -> bool:
    """Whether a page asks for something beside itself, as the bell does every minute."""
    mode = request.headers.get("Sec-Fetch-Mode", "navigate")
    return "HX-Request" in request.headers or mode != "navigate"


def _keep_cookie(answer: HttpResponse) -> None:
    """Have a session's cookie not deleted.

    What a script asked before somebody signed in may be answered after it, and would take away the
    cookie that they were given meanwhile. A page of its own deletes one whose session is gone.
    """
    cookie = answer.cookies.get(settings.SESSION_COOKIE_NAME)
    if cookie is not None and not cookie.value:
        del answer.cookies[settings.SESSION_COOKIE_NAME]


def session_key_of(cookies: Mapping[str, str]) -> str | None:
    """The key of the session that a browser's cookies name, in the current schema."""
    name = settings.SESSION_COOKIE_NAME
    if name in cookies or not name.startswith(_PREFIX):
        return cookies.get(name)
    old = cookies.get(_old(name))
    session = SessionStore(old).load() if old else {}
    return old if session and _MARK not in session else None


def _take_token_over(request: HttpRequest) -> None:
    """So that a form which was open during the upgrade can be sent."""
    name = settings.CSRF_COOKIE_NAME
    token = request.COOKIES.get(_old(name))
    if token and name not in request.COOKIES:
        request.COOKIES[name] = token
        request.META["CSRF_COOKIE_NEEDS_UPDATE"] = True


def _old(name: str) -> str:
    return name.removeprefix(_PREFIX)
