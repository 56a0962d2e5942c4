"""The manners of the API: problem details (RFC 9457) and cursor pages."""

from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import Http404
from rest_framework import exceptions
from rest_framework.pagination import CursorPagination
from rest_framework.response import Response
from rest_framework.views import exception_handler

from apps.core.exceptions import DomainError


class CursorPages(CursorPagination):
    """Pages that stay right while rows are added; `limit` up to 100."""

    ordering = "-pk"
    page_size_query_param = "limit"
    max_page_size = 100


def problem_response(error: Exception, context: dict[str, Any]) -> Response | None:
    """Every error as `application/problem+json` with a code and the request's id."""
    request_id = getattr(context["request"]._request, "id", "")
    if isinstance(error, DomainError):
        response = _problem(error.status, error.code, error.message, **error.extra)
        if error.field:
            response.data["errors"] = [{"field": error.field, "message": error.message}]
    else:
        found = exception_handler(error, context)
        if found is None:
            return None
        response = _from_framework(error, found)
    response.data["request_id"] = request_id
    return response


def _from_framework(error: Exception, found: Response) -> Response:
    if isinstance(error, exceptions.ValidationError):
        response = _problem(400, "invalid", "Some values cannot be accepted.")
        response.data["errors"] = _flatten(found.data)
    else:
        detail = found.data.get("detail", "") if isinstance(found.data, dict) else ""
        response = _problem(found.status_code, _code(error), str(detail))
    for name, value in found.headers.items():
        if name.lower() != "content-type":
            response[name] = value
    return response


def _code(error: Exception) -> str:
    if isinstance(error, Http404):
        return "not_found"
    if isinstance(error, PermissionDenied):
        return "permission_denied"
    codes = error.get_codes() if isinstance(error, exceptions.APIException) else "error"
    return codes if isinstance(codes, str) else "invalid"


def _flatten(found: Any, path: str = "") -> list[dict[str, str]]:
    if isinstance(found, dict):
        return [e for k, v in found.items() for e in _flatten(v, f"{path}.{k}".strip("."))]
    if isinstance(found, list) and any(isinstance(v, dict | list) for v in found):
        return [e for i, v in enumerate(found) for e in _flatten(v, f"{path}[{i}]")]
    messages = found if isinstance(found, list) else [found]
    return [{"field": path, "message": str(message)} for message in messages]


def _problem(status: int, code: str, detail: str, **extra: Any) -> Response:
    body = {"type": "about:blank", "title": code.replace("_", " ").capitalize()}
    body |= {"status": status, "code": code, "detail": detail, **extra}  # type: ignore[dict-item]
    return Response(body, status=status, content_type="application/problem+json")
