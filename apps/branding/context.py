"""The brand for templates."""

from typing import Any

from django.http import HttpRequest

from apps.branding.looks import Look


def brand(request: HttpRequest) -> dict[str, Any]:
    """The look of the request's schema; ours where a host is nobody's."""
    return {"brand": getattr(request, "brand", None) or Look()}
