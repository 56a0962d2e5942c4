"""Whether this process can do its work: what each app checks when a probe asks."""

from collections.abc import Callable
from dataclasses import dataclass

from django.db import DatabaseError, connection

# Says what is wrong; empty: nothing.
Check = Callable[[], str]


@dataclass(frozen=True)
class _Registered:
    name: str
    check: Check
    is_fatal: bool


@dataclass(frozen=True)
class Found:
    """What one check found; a problem that is not fatal only warns."""

    name: str
    problem: str
    is_fatal: bool

    @property
    def state(self) -> str:
        """ok, warning or failed."""
        if not self.problem:
            return "ok"
        return "failed" if self.is_fatal else "warning"


_checks: list[_Registered] = []


def checks(name: str, *, is_fatal: bool = True) -> Callable[[Check], Check]:
    """Register a check, which asks one quick query in `public`."""

    def register(check: Check) -> Check:
        _checks.append(_Registered(name, check, is_fatal))
        return check

    return register


def look() -> list[Found]:
    """The database first; where it is away nothing else is asked."""
    try:
        connection.set_schema_to_public()  # type: ignore[attr-defined]
        with connection.cursor() as cursor:
            # A real table: a database without this project's tables is not ready.
            cursor.execute('SELECT 1 FROM "public"."tenancy_tenant" LIMIT 1')
        others = [Found(one.name, one.check(), one.is_fatal) for one in _checks]
    except DatabaseError:
        connection.close()
        return [Found("database", "It does not answer, or has no tables.", True)]
    return [Found("database", "", True), *others]
