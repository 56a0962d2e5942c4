"""Every list of every kind, walked from the OpenAPI documents: a new one has the same manners."""

from collections.abc import Iterator
from typing import Any

import jsonschema
import pytest
from django.test import Client

from tests.api.conftest import Program, key_in

HOSTS = {
    "operator": ("dotmac.localhost", "public"),
    "console": ("acme.dotmac.localhost", "c_acme"),
    "workspace": ("acme.apps.localhost", "w_acme"),
}
# Lists within one resource, which change with it.
WITHIN = {
    "/api/v1/certificates/{uuid}/issued/",
    "/api/v1/plans/{uuid}/versions/",
    "/api/v1/imports/{uuid}/errors/",
}
# Whose rows have no time of change: they are few, and read whole.
UNDATED = {"/api/v1/served-certificates/"}
# Followed by `after`, in one order that never changes.
ONE_ORDER = {"/api/v1/events/"}
# What nobody labels: a record of what happened, a reservation, an offer, a secret.
RECORDS = {
    "/api/v1/alert-deliveries/",
    "/api/v1/api-keys/",
    "/api/v1/backups/",
    "/api/v1/certificates/",
    "/api/v1/deleted/",
    "/api/v1/edges/",
    "/api/v1/erasures/",
    "/api/v1/events/",
    "/api/v1/exports/",
    "/api/v1/failed-migrations/",
    "/api/v1/former-backup-places/",
    "/api/v1/health-checks/",
    "/api/v1/imported-tenants/",
    # Whose own metadata are those of SAML.
    "/api/v1/identity-providers/",
    "/api/v1/imports/",
    "/api/v1/invitations/",
    "/api/v1/messages/",
    "/api/v1/operations/",
    "/api/v1/people/second-factors/",
    "/api/v1/organisation-exports/",
    "/api/v1/placements/",
    "/api/v1/releases/",
    "/api/v1/routes/",
    "/api/v1/served-certificates/",
    "/api/v1/support-visits/",
    "/api/v1/suppressions/",
    "/api/v1/verifications/",
    "/api/v1/webhook-deliveries/",
    "/api/v1/work/",
}


def document_of(kind: str) -> dict[str, Any]:
    client = Client(headers={"host": HOSTS[kind][0]})
    document: dict[str, Any] = client.get("/api/v1/openapi.json").json()
    return document


def resolved(document: dict[str, Any], schema: dict[str, Any]) -> dict[str, Any]:
    if "$ref" not in schema:
        return schema
    found: dict[str, Any] = document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    return found


def shown(document: dict[str, Any], operation: dict[str, Any]) -> dict[str, Any]:
    answer = operation["responses"].get("200", {}).get("content", {})
    return resolved(document, answer.get("application/json", {}).get("schema", {}))


def lists(document: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for path, methods in document["paths"].items():
        if "results" in shown(document, methods.get("get", {"responses": {}})).get(
            "properties", {}
        ):
            yield path, methods


def names(operation: dict[str, Any]) -> set[str]:
    return {one["name"] for one in operation["parameters"]}


@pytest.mark.parametrize("kind", HOSTS)
def test_a_list_has_pages_an_order_and_tells_what_changed(kind: str, db: None) -> None:
    document = document_of(kind)
    found = dict(lists(document))
    assert len(found) >= 12
    for path, methods in found.items():
        has = names(methods["get"])
        assert {"cursor", "limit"} <= has, path
        if path not in WITHIN:
            assert ("updated_since" in has) == (path not in UNDATED), path
            assert ("ordering" in has) == (path not in ONE_ORDER), path


@pytest.mark.parametrize("kind", HOSTS)
def test_a_resource_has_labels(kind: str, db: None) -> None:
    document = document_of(kind)
    for path, methods in lists(document):
        # The catalogue of a console is the operator's, who labels it.
        if path in RECORDS | WITHIN or (kind, path) == ("console", "/api/v1/apps/"):
            continue
        assert {"external_id", "metadata"} <= names(methods["get"]), path
        row = resolved(document, shown(document, methods["get"])["properties"]["results"]["items"])
        assert {"external_id", "metadata", "updated_at"} <= row["properties"].keys(), path
        (one,) = [p for p in document["paths"] if p.startswith(path) and p.count("/") == 5][:1]
        assert "If-Match" in names(document["paths"][one]["patch"]), path
        body = document["paths"][one]["patch"]["requestBody"]["content"]["application/json"]
        assert {"external_id", "metadata"} <= resolved(document, body["schema"])[
            "properties"
        ].keys(), path


@pytest.mark.parametrize("kind", HOSTS)
def test_every_write_can_be_tried_and_repeated(kind: str, db: None) -> None:
    for path, methods in document_of(kind)["paths"].items():
        for method, operation in methods.items():
            if method != "get":
                assert "dry_run" in names(operation), path
            if method == "post":
                assert "Idempotency-Key" in names(operation), path


@pytest.mark.parametrize("kind", HOSTS)
def test_every_list_is_answered_in_every_order_it_names(kind: str, db: None) -> None:
    host, schema = HOSTS[kind]
    program = Program(host, key_in(schema, "robot@acme.example", is_superuser=True))
    for path, methods in lists(document_of(kind)):
        if path in WITHIN:
            continue
        orders = [one for one in methods["get"]["parameters"] if one["name"] == "ordering"]
        for order in orders[0]["schema"]["enum"] if orders else []:
            assert program.get(path, ordering=order).status_code == 200, (path, order)
        since = program.get(path, updated_since="2026-01-31T09:00:00Z").status_code
        assert since == (400 if path in UNDATED else 200), path
        if path not in ONE_ORDER:
            assert program.get(path, ordering="password").status_code == 400, path


@pytest.mark.parametrize("kind", HOSTS)
def test_every_body_has_an_example_of_its_schema(kind: str, db: None) -> None:
    document, seen = document_of(kind), 0
    components = nullable(document["components"])
    for path, methods in document["paths"].items():
        for operation in methods.values():
            for body in [operation.get("requestBody", {}), *operation["responses"].values()]:
                content = body.get("content", {}).get("application/json")
                if content is None:
                    continue
                given = [one["value"] for one in content.get("examples", {}).values()]
                given += [content["example"]] if "example" in content else []
                assert given, path
                for value in given:
                    check({**nullable(content["schema"]), "components": components}, value, path)
                    seen += 1
    assert seen > 40


def check(schema: dict[str, Any], value: Any, path: str) -> None:
    try:
        jsonschema.Draft7Validator(schema).validate(value)
    except jsonschema.ValidationError as error:
        raise AssertionError(f"{path}: {error.message} at {list(error.path)}") from error


def nullable(schema: Any) -> Any:
    """OpenAPI 3.0's `nullable` in the words of JSON Schema."""
    if isinstance(schema, list):
        return [nullable(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    found = {key: nullable(one) for key, one in schema.items()}
    if schema.get("nullable") is True:
        found.pop("nullable")
        return {"anyOf": [found, {"type": "null"}]}
    return found
