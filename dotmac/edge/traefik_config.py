"""Routes as Traefik's dynamic configuration, and the static one it starts with: plain values."""

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from dotmac.edge.base import MARK_HEADER, Certificate, PlatformRoutes, Route, Upstream

Json = dict[str, Any]

HTTP = "http"
HTTPS = "https"
WEB = "platform-web"
TO_HTTPS = "to-https"
COMPRESS = "compress"
HSTS = "hsts"
CHALLENGE_PATH = "/.well-known/acme-challenge/"

# What holds no secret of the reader's beside what somebody else may choose: no pages, no API.
_COMPRESSED = (
    "text/css",
    "text/javascript",
    "application/javascript",
    "application/wasm",
    "image/svg+xml",
)
# Explicit, since Traefik's own order is by the length of a rule.
_CHALLENGE, _ROUTE, _BASE, _CONSOLE, _REST = 1000, 500, 400, 300, 100


def render(
    routes: Iterable[Route], certificates: Iterable[Certificate], platform: PlatformRoutes
) -> Json:
    """The whole of the edge's routing, the same for the same input in any order."""
    routes = sorted(routes, key=lambda route: route.hostname)
    certificates = sorted(certificates, key=lambda one: str(one.cert_path))
    routers = _platform_routers(platform, certificates)
    services = {WEB: _service(platform.web_url)}
    middlewares = _platform_middlewares(platform)
    for route in routes:
        routers |= _routers(route, platform)
        services |= _services(route)
        middlewares |= _middlewares(route)
    config: Json = {
        "http": {"routers": routers, "services": services, "middlewares": middlewares},
        "tls": {"options": {"default": {"minVersion": "VersionTLS12"}}},
    }
    config["tls"] |= _certificates(certificates)
    return config


def _certificates(certificates: list[Certificate]) -> Json:
    """Of two for one name Traefik shows either, so a fallback is only its default."""
    shown = [_files(one) for one in certificates if not one.is_fallback]
    fallback = [_files(one) for one in certificates if one.is_fallback][:1]
    found: Json = {"certificates": shown} if shown else {}
    if fallback:
        found["stores"] = {"default": {"defaultCertificate": fallback[0]}}
    return found


def _files(certificate: Certificate) -> Json:
    return {"certFile": str(certificate.cert_path), "keyFile": str(certificate.key_path)}


def _routers(route: Route, platform: PlatformRoutes) -> Json:
    """A route on its entry point; one with TLS leads there from plain HTTP."""
    rule = f"Host(`{route.hostname}`)"
    kept = _kept_to_https(platform) if route.tls and platform.has(route.hostname) else []
    through = [*kept, *_way(route)]
    main = _router(rule, _target(route), _ROUTE, tls=route.tls, through=through)
    if not route.tls:
        return {f"{route.hostname}-http": main}
    to_https = _router(rule, "noop@internal", _ROUTE, tls=False, through=[TO_HTTPS])
    return {f"{route.hostname}-https": main, f"{route.hostname}-http": to_https}


def _target(route: Route) -> str:
    if route.redirect_to is not None:
        return "noop@internal"
    return route.hostname if _is_served(route) else WEB


def _is_served(route: Route) -> bool:
    """Whether requests reach the instance; with nothing behind it, the platform answers."""
    return route.notice is None and route.redirect_to is None and bool(_shares(route))


def _shares(route: Route) -> list[Upstream]:
    return [upstream for upstream in route.upstreams if upstream.weight]


def _way(route: Route) -> list[str]:
    if route.redirect_to is not None:
        return [f"{route.hostname}-redirect"]
    if route.notice is not None:
        return [f"notice-{route.notice}"]
    return [f"{route.hostname}-mark"] if route.mark and _is_served(route) else []


def _middlewares(route: Route) -> Json:
    if route.redirect_to is not None:
        return {f"{route.hostname}-redirect": _redirect(route.redirect_to)}
    if route.notice is None:
        mark = {"customResponseHeaders": {MARK_HEADER: route.mark}}
        return {name: {"headers": mark} for name in _way(route)}
    # The host stays: the page is in the brand of whose address it is.
    return {f"notice-{route.notice}": {"replacePath": {"path": f"/_edge/notice/{route.notice}/"}}}


def _services(route: Route) -> Json:
    """One upstream is a load balancer, several are weighted ones."""
    if not _is_served(route):
        return {}
    shares = _shares(route)
    if len(shares) == 1:
        return {route.hostname: _service(shares[0].url)}
    named = {f"{route.hostname}-{number}": share for number, share in enumerate(shares)}
    weighted = [{"name": name, "weight": share.weight} for name, share in named.items()]
    each = {name: _service(share.url) for name, share in named.items()}
    return {route.hostname: {"weighted": {"services": weighted}}, **each}


def _service(url: str) -> Json:
    return {"loadBalancer": {"servers": [{"url": url}], "passHostHeader": True}}


def _router(
    rule: str, service: str, priority: int, *, tls: bool, through: list[str] | None = None
) -> Json:
    router: Json = {
        "entryPoints": [HTTPS if tls else HTTP],
        "rule": rule,
        "service": service,
        "priority": priority,
    }
    if through:
        router["middlewares"] = through
    if tls:
        router["tls"] = {}
    return router


def _platform_routers(platform: PlatformRoutes, certificates: list[Certificate]) -> Json:
    """The platform's own addresses; on HTTPS those for which there is a certificate."""
    base, apps = platform.base_domain, platform.apps_domain
    rules = {
        "platform-base": (f"Host(`{base}`)", _BASE, base),
        "platform-consoles": (_below(base), _CONSOLE, f"*.{base}"),
        "platform-rest": (f"Host(`{apps}`) || {_below(apps)}", _REST, f"*.{apps}"),
    }
    routers = {
        "platform-challenge": _router(
            f"PathPrefix(`{CHALLENGE_PATH}`)", WEB, _CHALLENGE, tls=False
        ),
        "platform-localhost": _router(
            "Host(`localhost`) || Host(`127.0.0.1`)",
            "noop@internal",
            _REST,
            tls=False,
            through=["platform-localhost"],
        ),
    }
    for name, (rule, priority, needed) in rules.items():
        routers[f"{name}-http"] = _router(rule, WEB, priority, tls=False)
        if any(_serves(certificate, needed) for certificate in certificates):
            kept = _kept_to_https(platform)
            routers[f"{name}-https"] = _router(rule, WEB, priority, tls=True, through=kept)
    return routers


def _kept_to_https(platform: PlatformRoutes) -> list[str]:
    """Said here for all that is answered: pages, files, errors, and what containers say."""
    return [HSTS] if platform.hsts_s else []


def _serves(certificate: Certificate, needed: str) -> bool:
    """Whether it is for a name or wildcard, or for one of the hosts below."""
    below = [name.partition(".")[2] for name in certificate.hostnames]
    return certificate.covers(needed) or (
        needed.startswith("*.") and needed.removeprefix("*.") in below
    )


def _below(domain: str) -> str:
    """A rule for the names one label below a domain."""
    return rf"HostRegexp(`^[a-z0-9-]+\.{re.escape(domain)}$`)"


def _platform_middlewares(platform: PlatformRoutes) -> Json:
    port = "" if platform.http_port == 80 else f":{platform.http_port}"
    # Each host for itself: what else lies below the domains is not ours to know.
    kept = {HSTS: {"headers": {"stsSeconds": platform.hsts_s}}} if platform.hsts_s else {}
    return kept | {
        TO_HTTPS: {
            "redirectScheme": {
                "scheme": "https",
                "port": str(platform.https_port),
                "permanent": False,
            }
        },
        "platform-localhost": _redirect(f"http://{platform.base_domain}{port}"),
        COMPRESS: {"compress": {"includedContentTypes": list(_COMPRESSED)}},
    }


def _redirect(url: str) -> Json:
    """To the same path elsewhere; not permanent, which browsers would never forget."""
    # A dollar sign would be read as a reference into the expression.
    target = url.rstrip("/").replace("$", "$$")
    return {
        "redirectRegex": {
            "regex": r"^https?://[^/]+(.*)$",
            "replacement": target + "${1}",
            "permanent": False,
        }
    }


def static_config(
    *,
    directory: Path,
    http: str,
    https: str,
    ping: str,
    access_log: Path | None = None,
    log_level: str = "WARN",
    api: bool = False,
) -> Json:
    """What Traefik starts with; addresses are "host:port", `ping` belongs on loopback.

    With `api` its read-only dashboard is on the ping address too, for whoever can reach that.
    """
    config: Json = {
        "global": {"checkNewVersion": False, "sendAnonymousUsage": False},
        "log": {"level": log_level},
        "entryPoints": {
            HTTP: _entry_point(http),
            HTTPS: _entry_point(https),
            "traefik": {"address": ping},
        },
        "ping": {"entryPoint": "traefik"},
        "providers": {
            "providersThrottleDuration": "100ms",
            "file": {"directory": str(directory), "watch": True},
        },
        "serversTransport": {"forwardingTimeouts": {"dialTimeout": "5s"}},
    }
    if access_log is not None:
        config["accessLog"] = _access_log(access_log)
    if api:
        config["api"] = {"insecure": True, "dashboard": True}
    return config


def _entry_point(address: str) -> Mapping[str, Any]:
    """Time for slow uploads; WebSockets are taken off these clocks once they are open."""
    return {
        "address": address,
        "http": {"middlewares": [f"{COMPRESS}@file"]},
        "forwardedHeaders": {"insecure": False, "trustedIPs": []},
        "transport": {
            "respondingTimeouts": {
                "readTimeout": "600s",
                "writeTimeout": "0s",
                "idleTimeout": "180s",
            },
            "lifeCycle": {"graceTimeOut": "10s"},
        },
    }


def _access_log(path: Path) -> Json:
    """One JSON object a request; no headers, which carry cookies and keys."""
    return {
        "filePath": str(path),
        "format": "json",
        "bufferingSize": 64,
        "fields": {"headers": {"defaultMode": "drop"}},
    }
