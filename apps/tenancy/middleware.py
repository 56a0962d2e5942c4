"""From the host of a request to the schema that answers it."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from time import monotonic
from typing import Any

from django.conf import settings
from django.core.exceptions import DisallowedHost
from django.db.models import Exists, OuterRef
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.urls import set_urlconf

from apps.core.outages import CODE
from apps.tenancy.kinds import PUBLIC, to_public, to_tenant
from apps.tenancy.migrating.behind import is_behind
from apps.tenancy.models import Domain, FailedMigration, Tenant

# Seconds that a host's tenant is remembered in this process; a rename shows after that at most.
_REMEMBERED_S = 5.0
_LOOK_AGAIN_S, _UPGRADE_AGAIN_S = 5, 60
# Where the edge sends the visitors of a host whose route shows a notice.
_NOTICE = re.compile(r"/_edge/notice/(stopped|suspended|archived)/\Z")


@dataclass(frozen=True)
class _Entry:
    tenant: Tenant
    until: float


_hosts: dict[str, _Entry] = {}


def forget_hosts() -> None:
    """Ask the database again for every host."""
    _hosts.clear()


def tenant_of_host(host: str) -> Tenant | None:
    """The tenant that a host name leads to, None for a stranger's."""
    entry = _hosts.get(host)
    if entry is not None and entry.until >= monotonic():
        return entry.tenant
    failed = FailedMigration.objects.filter(schema=OuterRef("tenant__schema_name"))
    rows = Domain.objects.select_related("tenant").annotate(has_failed=Exists(failed))
    domain = rows.filter(domain=host).first()
    # A stranger's host is asked for every time: it may be a tenant's in a moment.
    if domain is None:
        return None
    domain.tenant.is_left_behind = domain.has_failed and is_behind(domain.tenant.schema_name)
    _hosts[host] = _Entry(domain.tenant, monotonic() + _REMEMBERED_S)
    return domain.tenant


class HostMiddleware:
    """Puts the connection in the schema of the request's host, with its kind's URLs."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        to_public()
        try:
            host = request.get_host().split(":")[0].lower().rstrip(".")
        except DisallowedHost:
            return HttpResponse("This host name is not valid.", status=400)
        tenant = tenant_of_host(host)
        notice = _NOTICE.match(request.path)
        if notice:
            return self._say(request, notice[1], host, tenant)
        if tenant is None:
            return self._say(request, "nothing_here", host, None)
        if tenant.is_shut:
            return self._shut(request, host, tenant)
        if not tenant.is_local:
            # The edge has no way to its own stack yet, else the request would not be here.
            return self._say(request, "deploying", host, tenant)
        if tenant.is_left_behind:
            return self._wait(request, host, tenant)
        request.tenant = tenant  # type: ignore[attr-defined]
        to_tenant(tenant)
        request.urlconf = settings.TENANT_TYPES[tenant.kind]["URLCONF"]  # type: ignore[attr-defined]
        set_urlconf(request.urlconf)  # type: ignore[attr-defined]
        try:
            return self.get_response(request)
        finally:
            to_public()

    def _shut(self, request: HttpRequest, host: str, tenant: Tenant) -> HttpResponse:
        """Closed to people and programs alike; its owner can end that at the operator."""
        if request.path.startswith("/api/"):
            return _problem(request, 403, "organisation_closed", "This organisation is closed.")
        return self._say(request, "closed", host, tenant)

    def _wait(self, request: HttpRequest, host: str, tenant: Tenant) -> HttpResponse:
        """Its schema lacks what this release needs: nothing may read or write there."""
        if request.path.startswith("/api/"):
            detail = (
                "This site is being brought to a new release. Nothing is lost. Try again later."
            )
            answer: HttpResponse = _problem(request, 503, CODE, detail)
        else:
            answer = self._say(request, "upgrading", host, tenant)
        answer["Retry-After"] = str(_UPGRADE_AGAIN_S)
        answer["Cache-Control"] = "no-store"
        return answer

    @staticmethod
    def _say(request: HttpRequest, kind: str, host: str, tenant: Tenant | None) -> HttpResponse:
        request.urlconf = settings.TENANT_TYPES[PUBLIC]["URLCONF"]  # type: ignore[attr-defined]
        context: dict[str, Any] = {
            "kind": kind,
            "host": host,
            "brand_name": tenant.name if tenant else "",
        }
        if tenant is not None and tenant.is_shut:
            context |= {"erased_from": tenant.erased_from, "undo_url": _operator_url()}
        status = 404 if kind == "nothing_here" else 503
        answer = render(request, "edge/notice.html", context, status=status)
        if kind == "deploying":
            answer["Refresh"] = str(_LOOK_AGAIN_S)
        return answer


def _problem(request: HttpRequest, status: int, code: str, detail: str) -> JsonResponse:
    """As other problems of the API are told (api.problems), before it is known which API."""
    body = {"status": status, "code": code, "title": code.replace("_", " ").capitalize()}
    body |= {"type": "about:blank", "detail": detail, "request_id": getattr(request, "id", "")}
    return JsonResponse(body, status=status, content_type="application/problem+json")


def _operator_url() -> str:
    """Where owners find their organisations, closed ones too."""
    default = {"http": 80, "https": 443}[settings.PLATFORM_SCHEME]
    is_https = settings.PLATFORM_SCHEME == "https"
    port = settings.EDGE_HTTPS_PORT if is_https else settings.EDGE_HTTP_PORT
    shown = "" if port == default else f":{port}"
    return f"{settings.PLATFORM_SCHEME}://{settings.BASE_DOMAIN}{shown}/organisations/"
