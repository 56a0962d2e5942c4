"""Problems of the API that are told where nothing of the framework can be asked any more."""

from django.http import HttpRequest, JsonResponse
from django.urls import NoReverseMatch, reverse

# Below it everything is for programs, in English.
API = "/api/"


def is_for_programs(request: HttpRequest) -> bool:
    """Whether who asks is told in JSON."""
    return request.path.startswith(API)


def plain_problem(request: HttpRequest, code: str, status: int, detail: str) -> JsonResponse:
    """As other problems of the API are told (api.problems), without the database."""
    try:
        explained = request.build_absolute_uri(f"{reverse('api_errors')}#{code}")
    except NoReverseMatch:
        # Before the host is known there are no addresses to explain it at.
        explained = "about:blank"
    body = {
        "type": explained,
        "title": code.capitalize(),
        "status": status,
        "code": code,
        "detail": detail,
        "request_id": getattr(request, "id", ""),
    }
    return JsonResponse(body, status=status, content_type="application/problem+json")
