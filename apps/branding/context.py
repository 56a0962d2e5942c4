"""The brand for templates."""

from typing import Any

from django.http import HttpRequest

from apps.branding.looks import Look


def brand(request: HttpRequest) -> dict[str, Any]:
    """The look of the request's schema; ours where a host is nobody's."""
    # Not asked whether it is true: that would read it for templates that show nothing of it.
    return {"brand": request.brand if hasattr(request, "brand") else Look()}
