"""CSV that no spreadsheet runs, and the answer that carries it."""

import io
from collections.abc import Callable
from tempfile import TemporaryFile
from typing import IO

from django.http import FileResponse

# What a spreadsheet runs instead of showing it (OWASP, CSV injection).
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")
# The mark by which Excel knows UTF-8.
BOM = "\ufeff"


def guarded(cell: str) -> str:
    """The cell as text even where it looks like a formula."""
    return f"'{cell}" if cell.lstrip(" ").startswith(FORMULA_STARTS) else cell


def csv_answer(
    write: Callable[[IO[str]], object], name: str, content_type: str = "text/csv"
) -> FileResponse:
    """A file written before the answer begins: later, the request's schema is left already."""
    raw = TemporaryFile()  # noqa: SIM115 - the response closes it
    text = io.TextIOWrapper(raw, encoding="utf-8", newline="", write_through=True)
    write(text)
    text.detach()
    raw.seek(0)
    return FileResponse(raw, as_attachment=True, filename=name, content_type=content_type)
