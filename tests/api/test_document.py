"""The API's OpenAPI document and its browser."""

import json
import re
from importlib import import_module

import pytest
from django.test import Client
from drf_spectacular.drainage import GENERATOR_STATS
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.renderers import OpenApiJsonRenderer
from drf_spectacular.validation import validate_schema

from tests.conftest import Isp

HOSTS = {
    "operator": "dotmac.localhost",
    "console": "acme.dotmac.localhost",
    "workspace": "acme.apps.localhost",
}
RESOURCES = {
    "operator": {"operations", "people", "me", "plans"},
    "console": {"operations", "people", "me", "instances"},
    "workspace": {"operations", "people", "me", "plans", "subscribers", "services"},
}


def visitor(kind: str) -> Client:
    return Client(headers={"host": HOSTS[kind]})


@pytest.mark.parametrize("kind", HOSTS)
def test_each_kind_describes_its_resources_without_a_warning(db: None, kind: str) -> None:
    # Which counts its warnings of this one time.
    made = SchemaGenerator(urlconf=f"config.urls.{kind}").get_schema(request=None, public=True)
    assert (dict(GENERATOR_STATS._warn_cache), dict(GENERATOR_STATS._error_cache)) == ({}, {})
    answer = visitor(kind).get("/api/v1/openapi.json")
    assert answer["content-type"].startswith("application/vnd.oai.openapi+json")
    document = answer.json()
    assert document == json.loads(OpenApiJsonRenderer().render(made))
    validate_schema(document)
    described = {path.split("/")[3] for path in document["paths"]}
    assert described >= RESOURCES[kind]
    assert not [path for path in document["paths"] if "format" in path]


def test_the_document_is_made_once_for_everybody(
    db: None, acme: Isp, initech: Isp, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = Client(headers={"host": acme.console_host}).get("/api/v1/openapi.json?lang=fr")
    monkeypatch.setattr(SchemaGenerator, "get_schema", None)
    again = Client(headers={"host": initech.console_host}).get("/api/v1/openapi.json")
    assert again.content == first.content
    assert again["content-disposition"] == 'inline; filename="DotMac API.json"'


@pytest.mark.parametrize("kind", HOSTS)
def test_every_described_address_is_one(db: None, kind: str) -> None:
    client = visitor(kind)
    uuid = "00000000-0000-4000-8000-000000000000"
    document = client.get("/api/v1/openapi.json").json()
    for path, methods in document["paths"].items():
        for method in methods:
            answer = client.generic(method.upper(), re.sub(r"\{\w+\}", uuid, path))
            assert answer.status_code == 401, path


def test_the_console_says_that_a_change_is_accepted(db: None) -> None:
    document = visitor("console").get("/api/v1/openapi.json").json()
    for what in ("stop", "start", "suspend", "resume", "archive", "deploy"):
        answers = document["paths"][f"/api/v1/instances/{{uuid}}/{what}/"]["post"]["responses"]
        assert list(answers) == ["202", "default"]
    assert document["components"]["securitySchemes"]["apiKey"]["scheme"] == "bearer"


@pytest.mark.parametrize("kind", HOSTS)
def test_the_browser_s_assets_all_come_from_our_own_host(db: None, kind: str) -> None:
    client = visitor(kind)
    page = client.get("/api/docs/")
    text = page.content.decode()
    assets = re.findall(r'(?:src|href)="([^"]+)"', text)
    assert len(assets) >= 4
    for asset in assets:
        assert asset.startswith("/")
        assert client.get(asset.replace("&amp;", "&")).status_code == 200
    assert "https://" not in text
    script = next(asset for asset in assets if "script=" in asset)
    assert "/api/v1/openapi.json" in client.get(script).content.decode()


def test_the_browser_works_under_the_strict_policy(db: None) -> None:
    page = visitor("console").get("/api/docs/")
    assert "script-src 'self';" in page["content-security-policy"]
    text = page.content.decode()
    assert not re.findall(r"<script(?![^>]*\bsrc=)", text)
    assert not re.findall(r"\son\w+=|<style", text)


def test_no_address_of_the_api_was_forgotten() -> None:
    for kind in HOSTS:
        names = {
            getattr(pattern, "name", None)
            for pattern in import_module(f"config.urls.{kind}").urlpatterns
        }
        assert {"schema", "api_docs", "no_such_resource"} <= names
