"""Each request: its id, its line in the log, its numbers and its span."""

import re
from collections.abc import Callable
from hmac import compare_digest
from time import perf_counter
from uuid import uuid4

import structlog
from django.conf import settings
from django.http import HttpRequest, HttpResponse

from apps.core import metrics
from apps.core.telemetry.queries import Tally, counted
from apps.core.telemetry.serving import asker_of, serving
from dotmac.telemetry import tracing
from dotmac.telemetry.processes import count_garbage

log = structlog.get_logger("dotmac.access")
_ID = re.compile(r"[0-9a-f]{16,32}\Z")
# What lies outside of every route, as a scanner asks for by the thousand.
_NOWHERE, _STATIC = "-", "static"
# Methods beyond these are whatever somebody made up.
_METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")


class RequestMiddleware:
    """Gives each request an id that its answer, its error page and its log lines carry."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        began, is_known = perf_counter(), _is_from_our_proxy(request)
        request.id = _id_of(request, is_known=is_known)  # type: ignore[attr-defined]
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(request_id=request.id)  # type: ignore[attr-defined]
        method = method_of(request)
        parent = request.headers.get("traceparent", "") if is_known else ""
        span = tracing.span(method, kind=tracing.SERVER, parent=parent)
        with counted() as tally, serving(request), span as seen:
            response = self.get_response(request)
            route = route_of(request)
            seen.rename(f"{method} {route}")
            seen.note(http__request__method=method, http__route=route)
            seen.note(http__response__status_code=response.status_code)
            if response.status_code >= 500:
                seen.fail(str(response.status_code))
            _tell(request, response, route, tally, perf_counter() - began)
        structlog.contextvars.clear_contextvars()
        response["X-Request-Id"] = request.id  # type: ignore[attr-defined]
        return response


def route_of(request: HttpRequest) -> str:
    """The name of the route that answered: of the code, never of what somebody sent."""
    match = request.resolver_match
    if match is not None:
        return match.view_name
    return _STATIC if request.path_info.startswith(settings.STATIC_URL) else _NOWHERE


def _tell(
    request: HttpRequest, response: HttpResponse, route: str, tally: Tally, seconds: float
) -> None:
    tenant = getattr(request, "tenant", None)
    kind = tenant.kind if tenant is not None else "none"
    metrics.note_request(kind, route, response.status_code, seconds, tally)
    count_garbage()
    log.info(
        "request",
        method=method_of(request),
        route=route,
        status=response.status_code,
        ms=round(seconds * 1000, 1),
        queries=tally.count,
        db_ms=round(tally.seconds * 1000, 1),
        bytes=None if response.streaming else len(response.content),
        schema=tenant.schema_name if tenant is not None else "",
        **_asker(request),
    )


def _asker(request: HttpRequest) -> dict[str, str]:
    asker = asker_of(request)
    return {"user": asker} if asker else {}


def method_of(request: HttpRequest) -> str:
    """Its method, unless somebody made one up."""
    return request.method if request.method in _METHODS else "OTHER"


def _is_from_our_proxy(request: HttpRequest) -> bool:
    """Whether who sends it proves to be ours; all others could write what they like in our log."""
    shown = request.headers.get("X-Request-Id-Token", "")
    wanted = settings.REQUEST_ID_TOKEN
    return bool(wanted) and compare_digest(shown.encode(), wanted.encode())


def _id_of(request: HttpRequest, *, is_known: bool) -> str:
    given = request.headers.get("X-Request-Id", "") if is_known else ""
    return given if _ID.match(given) else uuid4().hex[:16]
