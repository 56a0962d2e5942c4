"""What a visitor is told while the database, or the disk under it, does not do its part.

It is nobody's mistake and over by itself or by the operator's hand, so it is a 503 that says when
to come again: a page for people, a problem for programs. Everything else stays a 500.
"""

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import structlog
from django.db import Error, InterfaceError, OperationalError, transaction
from django.http import HttpRequest, HttpResponse
from django.template.loader import get_template
from django.utils.translation import gettext_lazy as _
from django.utils.translation import override

from apps.core.plain_problems import is_for_programs, plain_problem
from apps.core.telemetry.requests import method_of, route_of

log = structlog.get_logger(__name__)
AWAY, READ_ONLY, FULL = "away", "read_only", "full"
CODE = "unavailable"
# SQLSTATEs, of PostgreSQL's appendix A: refused for lack of connections, or because it stops or
# starts; broken connections are class 08, and none at all has no state.
_AWAY = {"53300", "57P01", "57P02", "57P03", "57P05"}
_READ_ONLY = {"25006"}
_FULL = {"53100", "53200", "53000", "58030"}
_FULL_DISK = {errno.ENOSPC, errno.EDQUOT, errno.EROFS}
_DETAILS = {
    AWAY: _("The database does not answer at the moment. Nothing was changed. Try again."),
    READ_ONLY: _("Nothing can be changed at the moment; reading works. Try again later."),
    FULL: _("There is no room to store anything at the moment. Nothing was changed."),
}


@dataclass(frozen=True)
class Outage:
    """Which kind it is, and after how many seconds it is worth asking again."""

    kind: str
    retry_after_s: int

    @property
    def detail(self) -> str:
        """What is wrong, in the language in use."""
        return str(_DETAILS[self.kind])


_OUTAGES = {AWAY: Outage(AWAY, 5), READ_ONLY: Outage(READ_ONLY, 60), FULL: Outage(FULL, 60)}


def outage_of(error: BaseException | None) -> Outage | None:
    """The outage that an error comes from, however it was wrapped; None for any other error."""
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        kind = _kind(error)
        if kind:
            return _OUTAGES[kind]
        error = error.__cause__ or error.__context__
    return None


def _kind(error: BaseException) -> str:
    if isinstance(error, OSError) and error.errno in _FULL_DISK:
        return FULL
    if not isinstance(error, Error):
        return ""
    state = getattr(error.__cause__, "sqlstate", None)
    if state in _READ_ONLY:
        return READ_ONLY
    if state in _FULL:
        return FULL
    if isinstance(error, OperationalError | InterfaceError):
        is_lost = state is None or state in _AWAY or str(state).startswith("08")
        return AWAY if is_lost else ""
    return ""


@contextmanager
def by_the_way() -> Iterator[None]:
    """Around what is noted of somebody who only reads: where nothing can be kept, they still may.

    Away it raises as ever: then there is nothing to read either.
    """
    try:
        with transaction.atomic():
            yield
    except Error as error:
        outage = outage_of(error)
        if outage is None or outage.kind == AWAY:
            raise
        log.info("not_noted", kind=outage.kind)


def unavailable(request: HttpRequest, outage: Outage) -> HttpResponse:
    """The answer, which needs no database; nobody may keep it."""
    log.warning("unavailable", kind=outage.kind, route=route_of(request), method=method_of(request))
    if is_for_programs(request):
        with override("en"):
            answer: HttpResponse = plain_problem(request, CODE, 503, str(outage.detail))
    else:
        # Without the request there are no context processors, which would ask the database.
        page = get_template("503.html").render({"outage": outage})
        answer = HttpResponse(page, status=503)
    answer["Retry-After"] = str(outage.retry_after_s)
    answer["Cache-Control"] = "no-store"
    return answer
