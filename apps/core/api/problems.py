"""Every error in one form: problem details (RFC 9457), with a code that is published."""

from typing import Any

import structlog
from django.core.exceptions import PermissionDenied, RequestDataTooBig
from django.db import DataError
from django.http import Http404, HttpRequest
from django.urls import reverse
from django.utils.translation import gettext as _
from rest_framework import exceptions
from rest_framework.response import Response
from rest_framework.views import exception_handler

from apps.core.exceptions import DomainError
from apps.core.outages import CODE, outage_of
from apps.core.telemetry.requests import method_of, route_of

log = structlog.get_logger(__name__)


def problem_response(error: Exception, context: dict[str, Any]) -> Response | None:
    """Every error as `application/problem+json` with a code and the request's id."""
    request: HttpRequest = context["request"]._request
    if isinstance(error, DomainError):
        response = _problem(error.status, error.code, error.message, **error.extra)
        if error.field:
            response.data["errors"] = [{"field": error.field, "message": error.message}]
    elif isinstance(error, RequestDataTooBig):
        response = _problem(413, "too_large", str(_("The body is too large. Send less at once.")))
    elif isinstance(error, DataError):
        # Only a value can cause it: a number or a time that no column can hold.
        log.warning("api_value_out_of_range", route=route_of(request), exc_info=error)
        response = _problem(400, "invalid", str(_("A value is outside of what can be stored.")))
    elif (outage := outage_of(error)) is not None:
        log.warning(
            "unavailable", kind=outage.kind, route=route_of(request), method=method_of(request)
        )
        response = _problem(503, CODE, outage.detail)
        response["Retry-After"] = str(outage.retry_after_s)
    else:
        found = exception_handler(error, context)
        if found is None:
            return None
        response = _from_framework(error, found)
    response.data["type"] = problem_type(request, response.data["code"])
    response.data["request_id"] = getattr(request, "id", "")
    return response


def problem_type(request: HttpRequest, code: str) -> str:
    """The address that explains a code to people."""
    return request.build_absolute_uri(f"{reverse('api_errors')}#{code}")


def _from_framework(error: Exception, found: Response) -> Response:
    if isinstance(error, exceptions.ValidationError):
        response = _problem(400, "invalid", "Some values cannot be accepted.")
        response.data["errors"] = flatten(found.data)
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


def flatten(found: Any, path: str = "") -> list[dict[str, str]]:
    """A serializer's errors as a list, each with the path of its field."""
    if isinstance(found, dict):
        return [e for k, v in found.items() for e in flatten(v, f"{path}.{k}".strip("."))]
    if isinstance(found, list) and any(isinstance(v, dict | list) for v in found):
        return [e for i, v in enumerate(found) for e in flatten(v, f"{path}[{i}]")]
    messages = found if isinstance(found, list) else [found]
    return [{"field": path, "message": str(message)} for message in messages]


def _problem(status: int, code: str, detail: str, **extra: Any) -> Response:
    title = code.replace("_", " ").capitalize()
    body = {"type": "about:blank", "title": title, "status": status, "code": code}
    body |= {"detail": detail, **extra}
    return Response(body, status=status, content_type="application/problem+json")
