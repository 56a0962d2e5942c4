"""The answer to a request that broke; each kind's URLs name it as their handler500."""

import sys

from django.http import HttpRequest, HttpResponse
from django.template.loader import get_template

from apps.core.outages import outage_of, unavailable
from apps.core.plain_problems import is_for_programs, plain_problem

CODE = "internal"
_DETAIL = "This request broke something here. It is noted by its request id."


def broken(request: HttpRequest) -> HttpResponse:
    """503 where it was an outage, else that of a fault with the request's id: a page, or a problem.

    The framework calls it while it handles the error. All of them do without context processors,
    which ask the database.
    """
    outage = outage_of(sys.exc_info()[1])
    if outage is not None:
        return unavailable(request, outage)
    if is_for_programs(request):
        return plain_problem(request, CODE, 500, _DETAIL)
    page = get_template("500.html").render({"request_id": getattr(request, "id", "")})
    return HttpResponse(page, status=500)
