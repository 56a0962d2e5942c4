"""The files of a brand: its colours, its logo, and the icon of the browser's tab."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.views.decorators.http import require_GET

from apps.branding.looks import Look, digest_of
from apps.branding.models import Picture

# A drawing opened by itself runs nothing and fetches nothing.
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; sandbox"
_FOR_GOOD = "public, max-age=31536000, immutable"


@require_GET
def colours(request: HttpRequest, digest: str) -> HttpResponse:
    """The sheet with the colours."""
    look: Look = request.brand  # type: ignore[attr-defined]
    return _file(look.css.encode(), "text/css", is_asked_for=digest_of(look.css) == digest)


@require_GET
def mark(request: HttpRequest, digest: str) -> HttpResponse:
    """The first letter in a square."""
    look: Look = request.brand  # type: ignore[attr-defined]
    return _file(look.mark.encode(), "image/svg+xml", is_asked_for=digest_of(look.mark) == digest)


@require_GET
def logo(request: HttpRequest, digest: str, extension: str) -> HttpResponse:
    """A logo of this schema, also one of before, which mails still show."""
    picture = get_object_or_404(Picture, digest=digest)
    return _file(bytes(picture.content), picture.media_type, is_asked_for=True)


def _file(content: bytes, media_type: str, *, is_asked_for: bool) -> HttpResponse:
    """What is kept for good under its address; a newer one under an old address is not kept."""
    response = HttpResponse(content, content_type=media_type)
    response["Cache-Control"] = _FOR_GOOD if is_asked_for else "no-cache"
    response["Content-Security-Policy"] = _POLICY
    response["X-Content-Type-Options"] = "nosniff"
    # Mails and other hosts' pages may show it.
    response["Cross-Origin-Resource-Policy"] = "cross-origin"
    return response
