"""Probes and numbers, answered before a host is looked up, since they come by address."""

from collections.abc import Callable
from hmac import compare_digest
from ipaddress import ip_address

from django.conf import settings
from django.db import connection
from django.http import HttpRequest, HttpResponse, JsonResponse
from prometheus_client import CONTENT_TYPE_LATEST

from apps.core.telemetry.checks import look
from apps.core.telemetry.readings import readings
from dotmac.telemetry import numbers

_LOOPBACK = ("127.0.0.1", "::1", "localhost")


class ProbeMiddleware:
    """`/healthz`: the process lives. `/readyz`: it can work. `/metrics`: what it counted."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.path in ("/healthz", "/readyz") and _is_ours(request):
            return _ready(request) if request.path == "/readyz" else JsonResponse({"status": "ok"})
        if request.path == "/metrics" and _is_no_tenant_s(request) and _shows_token(request):
            return _metrics()
        return self.get_response(request)


def _ready(request: HttpRequest) -> HttpResponse:
    found = look()
    is_ready = not any(one.state == "failed" for one in found)
    body: dict[str, object] = {"status": "ok" if is_ready else "not ok"}
    if _shows_token(request) or _is_from_here(request):
        body["checks"] = {
            one.name: {"state": one.state, **({"problem": one.problem} if one.problem else {})}
            for one in found
        }
    return JsonResponse(body, status=200 if is_ready else 503)


def _metrics() -> HttpResponse:
    connection.set_schema_to_public()  # type: ignore[attr-defined]
    text = numbers.text_of(readings())
    return HttpResponse(
        text, content_type=CONTENT_TYPE_LATEST, headers={"Cache-Control": "no-store"}
    )


def _is_ours(request: HttpRequest) -> bool:
    """Whether a probe is for this process: an instance that is away must not look alive."""
    return settings.ROLE == "isp" or not _host(request).endswith(f".{settings.APPS_DOMAIN}")


def _is_no_tenant_s(request: HttpRequest) -> bool:
    """Whether the host is the operator's own, or an address."""
    host = _host(request)
    return host in (settings.BASE_DOMAIN, "localhost") or _is_address(host)


def _is_from_here(request: HttpRequest) -> bool:
    """Whether it comes from this machine itself, and not by way of the edge on it."""
    sender = request.META.get("REMOTE_ADDR", "")
    is_direct = "X-Forwarded-For" not in request.headers
    return is_direct and sender in _LOOPBACK and _host(request) in _LOOPBACK


def _shows_token(request: HttpRequest) -> bool:
    wanted = settings.METRICS_TOKEN
    shown = request.headers.get("Authorization", "").removeprefix("Bearer ")
    return bool(wanted) and compare_digest(shown.encode(), wanted.encode())


def _host(request: HttpRequest) -> str:
    host = request.get_host().lower()
    name = host.partition("]")[0].removeprefix("[") if host.startswith("[") else host.split(":")[0]
    return name.rstrip(".")


def _is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True
