"""Lists come in pages."""

from typing import Any

from django.core.exceptions import ValidationError
from rest_framework.exceptions import NotFound
from rest_framework.pagination import CursorPagination
from rest_framework.request import Request


class CursorPages(CursorPagination):
    """Pages that stay right while rows are added; `limit` up to 100."""

    ordering = "-pk"
    page_size_query_param = "limit"
    max_page_size = 100
    # Among equals a cursor counts; a bound would show the same page again and again beyond it.
    offset_cutoff = None  # type: ignore[assignment]

    def paginate_queryset(
        self, queryset: Any, request: Request, view: Any = None
    ) -> list[Any] | None:
        """NotFound for a cursor that is none of this order, as of one that cannot be read."""
        try:
            return super().paginate_queryset(queryset, request, view)
        except (ValueError, TypeError, ValidationError):
            if self.cursor_query_param not in request.query_params:
                raise
            raise NotFound(self.invalid_cursor_message) from None
