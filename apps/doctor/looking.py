"""Looking: each check by itself, so that one that breaks says so and keeps no other from its turn.

Nothing is written here: it also serves where the database takes no writes, or is away.
"""

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import structlog
from django.db import Error, connection
from django.utils.translation import gettext_noop

from apps.core.health import Check, Finding, checks, problem, worst
from apps.tenancy.kinds import operator

log = structlog.get_logger(__name__)
Said = Callable[["Result"], None]
_LONGEST_ERROR = 200


@dataclass(frozen=True)
class Result:
    """What a check found, and how long it took."""

    check: Check
    findings: tuple[Finding, ...]
    seconds: float

    @property
    def status(self) -> str:
        """The worst of what was found."""
        return worst(self.findings)

    @property
    def own(self) -> tuple[Finding, ...]:
        """What nobody else tells people of."""
        return tuple(one for one in self.findings if not one.is_told)


def chosen(names: Iterable[str] = ()) -> list[Check]:
    """The checks of these names, or of names that begin so; all without names."""
    wanted = tuple(names)
    if not wanted:
        return checks()
    return [
        one
        for one in checks()
        if any(one.name == name or one.name.startswith(f"{name}.") for name in wanted)
    ]


def look_at(wanted: Iterable[Check]) -> Iterator[Result]:
    """Each check's result as it comes; where the database is away one result says so for all."""
    is_away = False
    for one in wanted:
        if not one.needs_database:
            yield look(one)
        elif not is_away:
            error = _away()
            is_away = error is not None
            yield Result(one, (_unreachable(error),), 0.0) if error else look(one)


def look(check: Check) -> Result:
    """Look at one thing now, in the operator's schema. Call it outside of transactions."""
    began = time.monotonic()
    try:
        findings = tuple(_findings(check))
    except Exception as error:
        log.warning("check_broke", check=check.name, exc_info=True)
        if isinstance(error, Error) and not connection.in_atomic_block:
            connection.close_if_unusable_or_obsolete()
        findings = (_broke(error),)
    return Result(check, findings, time.monotonic() - began)


def _findings(check: Check) -> list[Finding]:
    if not check.needs_database:
        return list(check.look())
    with operator():
        return list(check.look())


def _away() -> str | None:
    """Why the database does not answer; None where it does."""
    try:
        with operator(), connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except Error as error:
        if not connection.in_atomic_block:
            connection.close()
        return _first_line(error)
    return None


def _unreachable(error: str) -> Finding:
    return problem(
        gettext_noop("The database does not answer: {error}"),
        gettext_noop(
            "Start PostgreSQL, or correct DATABASE_URL; all processes come back by themselves."
        ),
        error=error,
    )


def _broke(error: Exception) -> Finding:
    return problem(
        gettext_noop("This could not be looked at: {error}"),
        gettext_noop("The log has the whole of it. Look again by `python manage.py doctor`."),
        error=f"{type(error).__name__}: {_first_line(error)}"[:_LONGEST_ERROR],
    )


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:_LONGEST_ERROR]
