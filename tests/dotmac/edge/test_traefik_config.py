"""Routes become Traefik's configuration; compared as values, without Traefik."""

from dataclasses import replace
from pathlib import Path

import pytest

from dotmac.edge import Certificate, EdgeError, PlatformRoutes, Route, Upstream
from dotmac.edge.traefik_config import render, static_config

PLATFORM = PlatformRoutes(
    "dotmac.localhost", "apps.localhost", "http://127.0.0.1:8010", http_port=8000, https_port=8443
)
CERTIFICATE = Certificate(("*.apps.localhost",), Path("/certs/apps.crt"), Path("/certs/apps.key"))
_FILES = Path("/certs/base.crt"), Path("/certs/base.key")
ACME = Route("acme.apps.localhost", (Upstream("http://10.0.0.2:8000"),))


def _http(*routes: Route) -> dict[str, dict[str, object]]:
    return render(routes, [CERTIFICATE], PLATFORM)["http"]


def test_a_route_goes_to_its_upstream_over_https() -> None:
    http = _http(ACME)
    assert http["routers"]["acme.apps.localhost-https"] == {
        "entryPoints": ["https"],
        "rule": "Host(`acme.apps.localhost`)",
        "service": "acme.apps.localhost",
        "priority": 500,
        "tls": {},
    }
    assert http["services"]["acme.apps.localhost"] == {
        "loadBalancer": {"servers": [{"url": "http://10.0.0.2:8000"}], "passHostHeader": True}
    }


def test_plain_http_leads_to_https_on_the_public_port_and_not_for_ever() -> None:
    http = _http(ACME)
    assert http["routers"]["acme.apps.localhost-http"]["middlewares"] == ["to-https"]
    assert http["middlewares"]["to-https"] == {
        "redirectScheme": {"scheme": "https", "port": "8443", "permanent": False}
    }


def test_only_hosts_of_the_two_domains_are_kept_to_https_and_only_over_it() -> None:
    platform = replace(PLATFORM, hsts_s=3600)
    own = CERTIFICATE, Certificate(("dotmac.localhost", "*.dotmac.localhost"), *_FILES)
    foreign = Route("shop.isp.example", (Upstream("http://10.0.0.3:8000"),))
    alike = Route("notapps.localhost", (Upstream("http://10.0.0.3:8000"),))
    http = render([ACME, foreign, alike], own, platform)["http"]
    kept = {name for name, one in http["routers"].items() if "hsts" in one.get("middlewares", ())}
    assert kept == {
        "acme.apps.localhost-https",
        "platform-base-https",
        "platform-consoles-https",
        "platform-rest-https",
    }
    assert http["middlewares"]["hsts"] == {"headers": {"stsSeconds": 3600}}


def test_without_an_age_nothing_is_said_of_it() -> None:
    assert "hsts" not in str(_http(ACME))


def test_several_upstreams_share_by_weight_and_one_of_weight_0_gets_none() -> None:
    route = Route(
        "acme.apps.localhost",
        (Upstream("http://a:1", 90), Upstream("http://b:1", 10), Upstream("http://c:1", 0)),
        tls=False,
    )
    services = _http(route)["services"]
    assert services["acme.apps.localhost"] == {
        "weighted": {
            "services": [
                {"name": "acme.apps.localhost-0", "weight": 90},
                {"name": "acme.apps.localhost-1", "weight": 10},
            ]
        }
    }
    assert services["acme.apps.localhost-1"]["loadBalancer"] == {
        "servers": [{"url": "http://b:1"}],
        "passHostHeader": True,
    }


def test_a_notice_is_served_by_the_platform_s_web() -> None:
    http = _http(Route("acme.apps.localhost", ACME.upstreams, notice="suspended"))
    router = http["routers"]["acme.apps.localhost-https"]
    assert (router["service"], router["middlewares"]) == ("platform-web", ["notice-suspended"])
    assert http["middlewares"]["notice-suspended"] == {
        "replacePath": {"path": "/_edge/notice/suspended/"}
    }
    assert "acme.apps.localhost" not in http["services"]


def test_a_route_can_lead_to_another_address() -> None:
    http = _http(Route("old.example.net", redirect_to="https://new.example.net:8443/"))
    assert http["middlewares"]["old.example.net-redirect"] == {
        "redirectRegex": {
            "regex": "^https?://[^/]+(.*)$",
            "replacement": "https://new.example.net:8443${1}",
            "permanent": False,
        }
    }


def test_the_order_of_the_routes_does_not_matter() -> None:
    other = Route("beta.apps.localhost", ACME.upstreams)
    assert render([ACME, other], [], PLATFORM) == render([other, ACME], [], PLATFORM)


def test_the_platform_is_on_https_where_a_certificate_covers_it() -> None:
    routers = render([], [CERTIFICATE], PLATFORM)["http"]["routers"]
    assert "platform-rest-https" in routers
    assert "platform-base-https" not in routers
    base = Certificate(("dotmac.localhost", "*.dotmac.localhost"), Path("/b.crt"), Path("/b.key"))
    routers = render([], [base], PLATFORM)["http"]["routers"]
    assert {"platform-base-https", "platform-consoles-https"} <= set(routers)


@pytest.mark.parametrize(
    "hostname",
    ["", "a`) || Host(`b", "UPPER.example", "a..b", "-a.example", "a.example.", "x" * 64, "*.a"],
)
def test_what_is_not_a_hostname_never_gets_into_a_rule(hostname: str) -> None:
    with pytest.raises(EdgeError, match="is not a hostname"):
        Route(hostname)


@pytest.mark.parametrize("url", ["", "10.0.0.2:8000", "file:///etc", "http://", "http://a:99999"])
def test_what_is_not_a_url_is_no_upstream(url: str) -> None:
    with pytest.raises(EdgeError, match="is not an http or https URL"):
        Upstream(url)


def test_it_starts_without_an_api_and_tells_nobody() -> None:
    config = static_config(
        directory=Path("/edge"),
        http=":8000",
        https=":8443",
        ping="127.0.0.1:8090",
        access_log=Path("/log/access.json"),
    )
    assert "api" not in config
    assert config["global"] == {"checkNewVersion": False, "sendAnonymousUsage": False}
    assert config["providers"]["providersThrottleDuration"] == "100ms"
    assert config["accessLog"]["format"] == "json"
    assert config["entryPoints"]["https"]["forwardedHeaders"]["insecure"] is False
