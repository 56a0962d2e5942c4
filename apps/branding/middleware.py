"""Puts the look of its schema on every request; it is read when a page asks for it."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.utils.functional import SimpleLazyObject

from apps.branding.looks import look_in_force


class BrandMiddleware:
    """Stands behind the one that finds the schema."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        request.brand = SimpleLazyObject(look_in_force)  # type: ignore[attr-defined]
        return self.get_response(request)
