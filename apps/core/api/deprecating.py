"""Saying of a resource or an action that it will go, long before it does."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

import structlog
from django.utils.http import http_date
from rest_framework.request import Request

from apps.core.telemetry.requests import route_of

log = structlog.get_logger(__name__)
_Work = TypeVar("_Work", bound=Callable[..., Any])


@dataclass(frozen=True)
class Deprecation:
    """Since when something is not to be used, when it goes, and a page that says what instead."""

    since: datetime
    sunset: datetime
    instead: str

    def headers(self) -> dict[str, str]:
        """As in RFC 9745 (Deprecation) and RFC 8594 (Sunset)."""
        return {
            "Deprecation": f"@{int(self.since.timestamp())}",
            "Sunset": http_date(self.sunset.timestamp()),
            "Link": f'<{self.instead}>; rel="deprecation"; type="text/html"',
        }


def deprecated(deprecation: Deprecation) -> Callable[[_Work], _Work]:
    """Mark an action of a viewset; a whole resource has the attribute `deprecation` instead."""

    def mark(work: _Work) -> _Work:
        work.deprecation = deprecation  # type: ignore[attr-defined]
        return work

    return mark


def deprecation_of(view: Any) -> Deprecation | None:
    """Of the action that is asked for, or of its whole resource."""
    name = getattr(view, "action", None) or str(getattr(view.request, "method", "")).lower()
    # Of the class: on the view itself a write stands in its frame.
    found = getattr(getattr(type(view), name, None), "deprecation", None)
    return found or getattr(view, "deprecation", None)


def note_use(request: Request, deprecation: Deprecation) -> None:
    """Log who still uses it, so that they can be told before it goes."""
    who = request.auth or request.user
    log.info(
        "deprecated_api_used",
        method=request.method,
        route=route_of(request._request),
        principal=str(getattr(who, "uuid", "")),
        sunset=deprecation.sunset.isoformat(),
    )
