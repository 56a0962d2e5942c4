"""The languages that pages and mails are written in, and which one a request begins with."""

from collections.abc import Callable, Iterable
from decimal import Decimal

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils import translation
from django.utils.cache import patch_vary_headers
from django.utils.formats import number_format
from django.utils.translation import get_language_from_request

# Programs compare what they are answered, so the API speaks one language.
_ENGLISH_ONLY = ("/api/", "/healthz", "/readyz")


def names() -> dict[str, str]:
    """What each language calls itself, by code."""
    return {code: str(name) for code, name in settings.LANGUAGES}


def first_of(wanted: Iterable[str]) -> str:
    """The first language that there is; English where there is none of them."""
    known = names()
    return next((code for code in wanted if code in known), settings.LANGUAGE_CODE)


def speaking(code: str) -> translation.override:
    """For a while in a language; in English where there is no such one."""
    return translation.override(first_of([code]))


def grouped(number: int | Decimal) -> str:
    """A number for people, its thousands apart as their language has it."""
    return number_format(number, force_grouping=True)


def speak(request: HttpRequest, code: str) -> None:
    """Go on with a request in a language."""
    translation.activate(code)
    request.LANGUAGE_CODE = code


class LanguageMiddleware:
    """Begins in the browser's language and leaves none behind for the thread's next request.

    Whose person or host says more changes it further inside (accounts.languages).
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        is_for_programs = request.path.startswith(_ENGLISH_ONLY)
        code = settings.LANGUAGE_CODE if is_for_programs else get_language_from_request(request)
        with translation.override(code):
            speak(request, code)
            response = self.get_response(request)
        response.setdefault("Content-Language", request.LANGUAGE_CODE)
        if not is_for_programs and "max-age=31536000" not in response.get("Cache-Control", ""):
            patch_vary_headers(response, ("Accept-Language", "Cookie"))
        return response
