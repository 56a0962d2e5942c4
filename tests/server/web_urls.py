"""A console's addresses with some more, by which a web server shows how it serves."""

import threading
import time
from collections.abc import Iterator
from pathlib import Path

from django.http import HttpRequest, HttpResponse, JsonResponse, StreamingHttpResponse
from django.urls import path
from django.views.decorators.csrf import csrf_exempt

from config.urls import console

PARTS, PAUSE_S = 10, 0.2
LARGE = 24_000_000


def slow(request: HttpRequest) -> JsonResponse:
    """An answer after some seconds."""
    time.sleep(float(request.GET["seconds"]))
    return JsonResponse({"thread": threading.current_thread().name})


def parts(request: HttpRequest) -> StreamingHttpResponse:
    """An answer that is made while it is sent; a file says so when it is given up."""

    def made() -> Iterator[bytes]:
        try:
            for number in range(PARTS):
                yield b"%d\n" % number + b" " * 4000
                time.sleep(PAUSE_S)
        except GeneratorExit:
            Path(request.GET["note"]).touch()
            raise

    return StreamingHttpResponse(made())


def large(request: HttpRequest) -> HttpResponse:
    """More than lies on the way to who reads it slowly."""
    return HttpResponse(bytes(LARGE), content_type="application/octet-stream")


@csrf_exempt
def echo(request: HttpRequest) -> HttpResponse:
    """What was sent, with two cookies and what Django made of the headers."""
    answer = HttpResponse(request.body, content_type="application/octet-stream")
    answer.set_cookie("first", "1")
    answer.set_cookie("second", "2")
    answer["X-Path"] = request.path
    answer["X-Told"] = request.META.get("HTTP_X_FORWARDED_FOR", "")
    answer["X-From"] = request.META.get("REMOTE_ADDR", "")
    return answer


urlpatterns = [
    path("try/slow/", slow),
    path("try/parts/", parts),
    path("try/large/", large),
    path("try/echo/", echo),
    path("try/écho/", echo),
    *console.urlpatterns,
]
