"""Lists come in pages."""

from rest_framework.pagination import CursorPagination


class CursorPages(CursorPagination):
    """Pages that stay right while rows are added; `limit` up to 100."""

    ordering = "-pk"
    page_size_query_param = "limit"
    max_page_size = 100
    # Among equals a cursor counts; a bound would show the same page again and again beyond it.
    offset_cutoff = None  # type: ignore[assignment]
