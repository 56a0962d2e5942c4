"""Where consoles, workspaces and the platform are, with scheme and port."""

import re

from django.conf import settings
from django.http import HttpRequest
from django.utils.encoding import iri_to_uri

from apps.tenancy.kinds import WORKSPACE, current_schema, kind_of
from apps.tenancy.models import Domain

_DEFAULT_PORTS = {"http": 80, "https": 443}
_LONGEST_PATH = 2000
# What a browser takes for another host, or what splits a header.
_NOT_LOCAL = re.compile(r"^//|[\\\x00-\x1f\x7f]")


def platform_url(path: str = "/") -> str:
    """A page of the operator."""
    return host_url(settings.BASE_DOMAIN, path)


def console_url(slug: str, path: str = "/") -> str:
    """A page of an ISP's console."""
    return host_url(console_host(slug), path)


def workspace_url(slug: str, path: str = "/") -> str:
    """A page of an ISP's workspace, always https."""
    return host_url(workspace_host(slug), path, is_workspace=True)


def home_url(path: str = "/") -> str:
    """A page of the current schema at its first address, where no request tells the host."""
    schema = current_schema()
    domains = Domain.objects.filter(tenant__schema_name=schema).order_by("-is_primary", "id")
    host = domains.values_list("domain", flat=True).first() or settings.BASE_DOMAIN
    return host_url(host, path, is_workspace=kind_of(schema) == WORKSPACE)


def host_url(host: str, path: str = "/", *, is_workspace: bool = False) -> str:
    """A page at a host of the edge; a port that is the scheme's own is not shown."""
    scheme = "https" if is_workspace else settings.PLATFORM_SCHEME
    port = settings.EDGE_HTTPS_PORT if scheme == "https" else settings.EDGE_HTTP_PORT
    shown = "" if port == _DEFAULT_PORTS[scheme] else f":{port}"
    return f"{scheme}://{host}{shown}{path}"


def console_host(slug: str) -> str:
    """The host of a console."""
    return f"{slug}.{settings.BASE_DOMAIN}"


def workspace_host(slug: str) -> str:
    """The host that every workspace has, beside its own domains."""
    return f"{slug}.{settings.APPS_DOMAIN}"


def host_of(request: HttpRequest) -> str:
    """The host a request came to, as tenants' hosts are stored: lower case, without port."""
    return request.get_host().split(":")[0].lower().rstrip(".")


def local_path(text: str | None, default: str = "/") -> str:
    """The path if it stays on its host, else the default: never another site's address."""
    if not text or not text.startswith("/") or _NOT_LOCAL.search(text):
        return default
    path = iri_to_uri(text)
    return path if len(path) <= _LONGEST_PATH else default
