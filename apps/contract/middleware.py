"""Without a grant staff may look and change nothing; subscribers go on."""

import re
from collections.abc import Callable

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext_lazy as _

from apps.contract.services import is_read_only
from apps.core.api.problems import problem_type
from apps.tenancy.kinds import WORKSPACE, current_schema, kind_of

_SAFE = {"GET", "HEAD", "OPTIONS"}
# Where staff change things; they may always sign out, and take their data along.
_CHANGING = ("/admin/", "/api/", "/operations/")
_ALWAYS = re.compile(
    r"/admin/(logout|export)/"
    r"|/admin/(accounts/user|subscribers/subscriber)/\d+/personal\.json"
    r"|/api/v1/(people|subscribers)/[0-9a-f-]+/personal-data/"
)
_REASON = _(
    "This workspace is read-only: the platform has not confirmed it for 14 days, or has limited"
    " it. Subscribers are not affected. Ask the owner to open the console."
)

_CLOSED = _(
    "This workspace is read-only: its organisation is closed, and on %(date)s all of it is erased."
    " Until then it can be read and exported, and the owner can take the closing back."
)


class GrantMiddleware:
    """Refuses changes in the admin and the API of a workspace whose grant does not allow them."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.method in _SAFE or not request.path.startswith(_CHANGING):
            return self.get_response(request)
        is_workspace = kind_of(current_schema()) == WORKSPACE
        if _ALWAYS.fullmatch(request.path) or not is_workspace or not is_read_only():
            return self.get_response(request)
        if request.path.startswith("/api/"):
            return _problem(request)
        return render(request, "403.html", {"reason": _reason(request)}, status=403)


def _reason(request: HttpRequest) -> str:
    """Why: of a shared workspace its own row says whether its organisation is closed."""
    erased_from = getattr(getattr(request, "tenant", None), "erased_from", None)
    if erased_from is None:
        return str(_REASON)
    date = date_format(timezone.localtime(erased_from), "DATE_FORMAT")
    return _CLOSED % {"date": date}


def _problem(request: HttpRequest) -> JsonResponse:
    """The refusal as programs read it."""
    body = {
        "type": problem_type(request, "read_only"),
        "title": "Read only",
        "status": 403,
        "code": "read_only",
        "detail": _reason(request),
        "request_id": getattr(request, "id", ""),
    }
    return JsonResponse(body, status=403, content_type="application/problem+json")
