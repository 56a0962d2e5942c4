"""Every endpoint of every kind, asked by those who may not: generated from the URLs."""

import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver
from django.utils import timezone

from apps.accounts.api_keys import end_key
from apps.accounts.models import ApiKey, ServiceAccount
from apps.events.actors import SYSTEM
from apps.tenancy.kinds import schema_of
from tests.api.conftest import Program, key_in
from tests.conftest import Isp

HOSTS = {
    "operator": ("dotmac.localhost", "public"),
    "console": ("acme.dotmac.localhost", "c_acme"),
    "workspace": ("acme.apps.localhost", "w_acme"),
}
UUID = "00000000-0000-4000-8000-000000000000"
# What everybody with a key may ask.
FOR_ALL = {"/api/v1/me/"}
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")


def walk(patterns: list[Any], prefix: str = "/") -> Iterator[str]:
    for pattern in patterns:
        here = prefix + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from walk(pattern.url_patterns, here)
        elif isinstance(pattern, URLPattern) and here.startswith("/api/v1/"):
            yield re.sub(r"<[^>]*>", UUID, here)


def endpoints(kind: str) -> list[str]:
    found = walk(get_resolver(f"config.urls.{kind}").url_patterns)
    return sorted(set(found) - {"/api/v1/openapi.json"})


def revoked(schema: str) -> str:
    key = key_in(schema, "revoked@acme.example", is_superuser=True)
    with schema_of(schema):
        row = ApiKey.objects.get(created_by__email="revoked@acme.example")
        end_key(row, actor=SYSTEM)
    return key


def switched_off(schema: str) -> str:
    key = key_in(schema, "off@acme.example")
    with schema_of(schema):
        rows = ServiceAccount.objects.filter(created_by__email="off@acme.example")
        rows.update(is_active=False)
    return key


def expired(schema: str) -> str:
    key = key_in(schema, "late@acme.example", is_superuser=True)
    with schema_of(schema):
        rows = ApiKey.objects.filter(created_by__email="late@acme.example")
        rows.update(expires_at=timezone.now() - timedelta(seconds=1))
    return key


@pytest.mark.parametrize("kind", HOSTS)
def test_a_key_that_is_no_good_opens_nothing(kind: str, initech: Isp, db: None) -> None:
    host, schema = HOSTS[kind]
    strangers = {
        "nobody": "",
        "a mistyped key": "dm_000000000000_nothing",
        "another ISP's": key_in(initech.console, "bob@initech.example", is_superuser=True),
        "another ISP's workspace's": key_in(
            initech.workspace, "bob@initech.example", is_superuser=True
        ),
        "a revoked one": revoked(schema),
        "one of an account switched off": switched_off(schema),
        "an expired one": expired(schema),
    }
    assert len(endpoints(kind)) >= 8
    for who, key in strangers.items():
        program = Program(host, key)
        for path in endpoints(kind):
            for method in METHODS:
                assert program.send(method, path).status_code == 401, (who, method, path)


@pytest.mark.parametrize("kind", HOSTS)
def test_somebody_who_is_no_staff_gets_nothing(kind: str, db: None, settings: Any) -> None:
    # A quick machine asks more in a minute than one key may.
    settings.API_REQUESTS_PER_MINUTE = 100_000
    host, schema = HOSTS[kind]
    program = Program(host, key_in(schema, "dora@example.com", is_staff=False))
    for path in endpoints(kind):
        for method in METHODS:
            if path not in FOR_ALL:
                assert program.send(method, path).status_code == 403, (method, path)


@pytest.mark.parametrize("kind", HOSTS)
def test_every_endpoint_is_described(kind: str, db: None) -> None:
    document = Client(headers={"host": HOSTS[kind][0]}).get("/api/v1/openapi.json").json()
    assert sorted(re.sub(r"\{\w+\}", UUID, path) for path in document["paths"]) == endpoints(kind)


def test_what_is_acme_s_is_not_there_for_initech(
    desk: Program, desk_of_initech: Program, db: None
) -> None:
    plan = desk.post("plans/", {"key": "fiber", "name": "Fiber"}).json()["id"]
    desk.post(f"plans/{plan}/versions/", {"currency": "USD", "price": "39"})
    dora = desk.post("subscribers/", {"name": "Dora Diaz"}).json()["id"]
    service = desk.post("services/", {"subscriber": dora, "plan": "fiber"}).json()["id"]
    person = desk.get("people/").json()["results"][0]["id"]
    rows = {"plans": plan, "subscribers": dora, "services": service, "people": person}
    for what, uuid in rows.items():
        assert desk.get(f"{what}/{uuid}/").status_code == 200
        assert desk_of_initech.get(f"{what}/{uuid}/").status_code == 404
        assert desk_of_initech.patch(f"{what}/{uuid}/", {"name": "Mine"}).status_code in (404, 405)
    steps = [f"subscribers/{dora}/archive/", f"services/{service}/terminate/"]
    for step in [*steps, f"people/{person}/deactivate/", f"plans/{plan}/versions/"]:
        answer = desk_of_initech.post(step, {"currency": "USD", "price": "1"})
        assert answer.status_code == 404
