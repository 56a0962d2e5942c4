"""Examples for every body that has none by hand, made from its schema."""

import re
from typing import Any

_BY_NAME: dict[str, Any] = {
    "email": "dora@example.com",
    "name": "Dora Diaz",
    "phone": "+1 555 0100",
    "country": "US",
    "currency": "USD",
    "external_id": "crm-17",
    "metadata": {"crm": "17"},
    "next": None,
    "previous": None,
    "price": "39.00",
    "hostname": "acme.example",
    "time_zone": "America/New_York",
    "reason": "asked for by the customer",
    "number": "S-000042",
}
# Tried in turn where a pattern says how a text looks.
_SHAPES = ("fiber-100", "acme.example", "#2a6fd6", "10.201")
_BY_FORMAT = {
    "uuid": "1d7e1d0e-6f2c-4c7e-8b0a-2f6c6b7a9d33",
    "date-time": "2026-01-31T09:00:00Z",
    "date": "2026-01-31",
    "email": "dora@example.com",
    "uri": "https://acme.example/",
    "decimal": "39.00",
}


def give_examples(document: dict[str, Any]) -> None:
    """Put one to each body of requests and answers in JSON that has none."""
    schemas = document["components"].get("schemas", {})
    for methods in document["paths"].values():
        for operation in methods.values():
            bodies = [operation.get("requestBody", {}), *operation["responses"].values()]
            for body in bodies:
                for kind, content in body.get("content", {}).items():
                    if kind == "application/json" and not {"example", "examples"} & content.keys():
                        content["example"] = example_of(content["schema"], schemas)


def example_of(schema: dict[str, Any], schemas: dict[str, Any], name: str = "") -> Any:
    """A value that a schema takes, the same each time."""
    if "$ref" in schema:
        return example_of(schemas[schema["$ref"].rpartition("/")[2]], schemas, name)
    if "example" in schema:
        return schema["example"]
    for parts in ("allOf", "oneOf", "anyOf"):
        if parts in schema:
            return example_of(schema[parts][0], schemas, name)
    if schema.get("type") == "object":
        return _object(schema, schemas, name)
    if schema.get("type") == "array":
        return [example_of(schema["items"], schemas, name)]
    return _plain(schema, name)


def _object(schema: dict[str, Any], schemas: dict[str, Any], name: str) -> dict[str, Any]:
    fields = schema.get("properties", {})
    if fields:
        return {key: example_of(one, schemas, key) for key, one in fields.items()}
    return {"crm": "17"} if name == "metadata" else {}


def _plain(schema: dict[str, Any], name: str) -> Any:
    # An empty text shows nothing.
    if schema.get("default", "") != "":
        return schema["default"]
    if "enum" in schema:
        return schema["enum"][0]
    kind = schema.get("type")
    if kind == "boolean":
        return True
    if kind in ("integer", "number"):
        return max(1, int(schema.get("minimum", 1)))
    if schema.get("format") in _BY_FORMAT:
        return _BY_FORMAT[schema["format"]]
    return _fitting(schema, name)


def _fitting(schema: dict[str, Any], name: str) -> Any:
    known = _BY_NAME.get(name, name.replace("_", "-") or "text")
    if known is None:
        return None if schema.get("nullable") else "https://acme.example/api/v1/"
    pattern = schema.get("pattern", "")
    texts = (str(known)[: schema.get("maxLength", 100)], *_SHAPES)
    return next((text for text in texts if re.search(pattern, text)), "")
