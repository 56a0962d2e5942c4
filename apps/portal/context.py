"""What every page's shell needs."""

from typing import Any

from django.conf import settings
from django.http import HttpRequest


def shell(request: HttpRequest) -> dict[str, Any]:
    """Names and addresses for headers and footers."""
    return {
        "tenant": getattr(request, "tenant", None),
        "base_domain": settings.BASE_DOMAIN,
        "is_development": settings.DEVELOPMENT,
        "request_id": getattr(request, "id", ""),
    }
