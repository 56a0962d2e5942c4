"""What every request passes first: health, its id, and the page's content policy."""

import uuid
from collections.abc import Callable

import structlog
from django.conf import settings
from django.db import DatabaseError, connection
from django.http import HttpRequest, HttpResponse, JsonResponse

GetResponse = Callable[[HttpRequest], HttpResponse]
_POLICY = (
    "default-src 'self'; script-src 'self'; style-src 'self'; img-src 'self' data:;"
    " font-src 'self'; connect-src 'self'; frame-ancestors 'none'; base-uri 'self';"
    " object-src 'none'"
)
# The admin theme's Alpine compiles expressions in the page.
_ADMIN_POLICY = _POLICY.replace(
    "script-src 'self'", "script-src 'self' 'unsafe-eval' 'unsafe-inline'"
).replace("style-src 'self'", "style-src 'self' 'unsafe-inline'")


# The page of an error stands alone, with its style inside.
_ERROR_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"


class HealthMiddleware:
    """Answers probes before a host is looked up, since they come by address."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.path in ("/healthz", "/readyz") and _is_ours(request):
            return self._ready() if request.path == "/readyz" else JsonResponse({"status": "ok"})
        return self.get_response(request)

    @staticmethod
    def _ready() -> HttpResponse:
        try:
            connection.set_schema_to_public()  # type: ignore[attr-defined]
            with connection.cursor() as cursor:
                # A real table: a database without this project's tables is not ready.
                cursor.execute('SELECT 1 FROM "public"."tenancy_tenant" LIMIT 1')
        except DatabaseError:
            connection.close()
            return JsonResponse({"status": "database unreachable"}, status=503)
        return JsonResponse({"status": "ok"})


class RequestIdMiddleware:
    """Gives each request an id that its log lines and its error page carry."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        request.id = uuid.uuid4().hex[:16]  # type: ignore[attr-defined]
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(request_id=request.id)  # type: ignore[attr-defined]
        response = self.get_response(request)
        response["X-Request-Id"] = request.id  # type: ignore[attr-defined]
        return response


class ContentSecurityPolicyMiddleware:
    """Strict everywhere but in the admin, whose theme needs more."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        response.setdefault("Content-Security-Policy", _policy_of(request, response))
        response.setdefault("Referrer-Policy", "same-origin")
        return response


def _policy_of(request: HttpRequest, response: HttpResponse) -> str:
    if response.status_code >= 500:
        return _ERROR_POLICY
    return _ADMIN_POLICY if request.path.startswith("/admin/") else _POLICY


def _is_ours(request: HttpRequest) -> bool:
    """Whether a probe is for this process: an instance that is away must not look alive."""
    host = request.get_host().split(":")[0]
    return settings.ROLE == "isp" or not host.endswith(f".{settings.APPS_DOMAIN}")
