"""From the host of a request to the schema that answers it."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from time import monotonic

from django.conf import settings
from django.core.exceptions import DisallowedHost
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import set_urlconf

from apps.tenancy.kinds import PUBLIC, to_public, to_tenant
from apps.tenancy.models import Domain, Tenant

# Seconds that a host's tenant is remembered in this process; a rename shows after that at most.
_REMEMBERED_S = 5.0
_LOOK_AGAIN_S = 5
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
    domain = Domain.objects.select_related("tenant").filter(domain=host).first()
    # A stranger's host is asked for every time: it may be a tenant's in a moment.
    if domain is None:
        return None
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
        if not tenant.is_local:
            # The edge has no way to its own stack yet, else the request would not be here.
            return self._say(request, "deploying", host, tenant)
        request.tenant = tenant  # type: ignore[attr-defined]
        to_tenant(tenant)
        request.urlconf = settings.TENANT_TYPES[tenant.kind]["URLCONF"]  # type: ignore[attr-defined]
        set_urlconf(request.urlconf)  # type: ignore[attr-defined]
        try:
            return self.get_response(request)
        finally:
            to_public()

    @staticmethod
    def _say(request: HttpRequest, kind: str, host: str, tenant: Tenant | None) -> HttpResponse:
        request.urlconf = settings.TENANT_TYPES[PUBLIC]["URLCONF"]  # type: ignore[attr-defined]
        context = {"kind": kind, "host": host, "brand_name": tenant.name if tenant else ""}
        status = 404 if kind == "nothing_here" else 503
        answer = render(request, "edge/notice.html", context, status=status)
        if kind == "deploying":
            answer["Refresh"] = str(_LOOK_AGAIN_S)
        return answer
