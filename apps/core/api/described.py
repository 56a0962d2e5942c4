"""How the OpenAPI document describes what every resource does alike."""

from typing import Any

from drf_spectacular.openapi import AutoSchema

from apps.core.api.deprecating import deprecation_of
from apps.core.api.examples import give_examples
from apps.core.api.idempotency import HEADER

_REF = {"$ref": "#/components/schemas/Problem"}
_PROBLEM = {
    "type": "object",
    "description": "What went wrong, in the form of RFC 9457.",
    "properties": {
        "type": {"type": "string", "format": "uri", "description": "A page that explains it."},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "code": {"type": "string", "description": "For programs; it never changes."},
        "detail": {"type": "string", "description": "For people."},
        "request_id": {"type": "string", "description": "Quote it when you ask for help."},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {"field": {"type": "string"}, "message": {"type": "string"}},
                "required": ["field", "message"],
            },
        },
    },
    "required": ["type", "title", "status", "code", "detail", "request_id"],
    "example": {
        "type": "https://acme.example/api/docs/errors/#not_found",
        "title": "Not found",
        "status": 404,
        "code": "not_found",
        "detail": "Not found.",
        "request_id": "5f0c3a1be7d2449a",
    },
}
_DRY_RUN = {
    "name": "dry_run",
    "in": "query",
    "description": "`true` checks the request and answers as if it were done; nothing changes.",
    "schema": {"type": "boolean", "default": False},
}
_IDEMPOTENCY = {
    "name": HEADER,
    "in": "header",
    "description": "Sent again within 24 hours, the request answers the same and does nothing.",
    "schema": {"type": "string", "maxLength": 255},
}
_IF_MATCH = {
    "name": "If-Match",
    "in": "header",
    "description": "An ETag; the request is refused with 412 if the resource has changed since.",
    "schema": {"type": "string"},
}
_IF_NONE_MATCH = {
    "name": "If-None-Match",
    "in": "header",
    "description": "An ETag; answered with 304 if the resource has not changed since.",
    "schema": {"type": "string"},
}


class Description(AutoSchema):
    """Marks what is deprecated."""

    def is_deprecated(self) -> bool:
        """Whether the action, or its whole resource, is."""
        return super().is_deprecated() or deprecation_of(self.view) is not None


def describe_manners(result: dict[str, Any], **_rest: Any) -> dict[str, Any]:
    """Add problems, idempotency keys, dry runs and versions to every operation."""
    result["components"].setdefault("schemas", {})["Problem"] = _PROBLEM
    for path, methods in result["paths"].items():
        for method, operation in methods.items():
            _describe(operation, method, names_one="}" in path)
    give_examples(result)
    return result


def _describe(operation: dict[str, Any], method: str, *, names_one: bool) -> None:
    parameters = operation.setdefault("parameters", [])
    if method == "post":
        parameters.append(_IDEMPOTENCY)
    if method != "get":
        parameters.append(_DRY_RUN)
    if names_one:
        parameters.append(_IF_NONE_MATCH if method == "get" else _IF_MATCH)
    if method == "get" and names_one:
        operation["responses"]["304"] = {"description": "It has not changed."}
    operation["responses"]["default"] = {
        "description": "A problem.",
        "content": {"application/problem+json": {"schema": _REF}},
    }
