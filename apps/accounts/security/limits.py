"""The page of somebody who tried too often."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

# Attempts are counted over a minute by address and over five by account; the longer is said.
RETRY_AFTER_S = 300


def too_many(request: HttpRequest) -> HttpResponse:
    """Say that attempts are limited and when to try again."""
    context = {"minutes": RETRY_AFTER_S // 60}
    response = render(request, "429.html", context, status=429)
    response["Retry-After"] = str(RETRY_AFTER_S)
    return response
