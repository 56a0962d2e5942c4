"""Who is connected to the database: room for all, and transactions that do not end."""

from collections.abc import Iterator

from django.conf import settings
from django.db import connection
from django.db.backends.base.base import BaseDatabaseWrapper
from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop

from apps.core.health import SOON_S, Finding, check, problem, warning

# One web process with its pool and its listener, a queue with its workers and their heartbeats,
# and a clock with its threads (config.pool, docs/architecture.md).
_WEB, _QUEUE, _CLOCK = 15, 4, 8
_TAKEN, _NEARLY_ALL = 80, 95
# An hour holds up the sealing of events, vacuum and migrations of all.
_LONG_S, _LONGEST_S = 300, 3600
_ROOM = """
    SELECT current_setting('max_connections')::int
            - current_setting('superuser_reserved_connections')::int,
        (SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend')
"""
_LONG = """
    SELECT pid, coalesce(nullif(application_name, ''), '–'), state,
        extract(epoch FROM clock_timestamp() - xact_start)::int
    FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid()
      AND backend_type = 'client backend'
      AND xact_start < clock_timestamp() - make_interval(secs => %s)
    ORDER BY xact_start
"""
_PREPARED = """
    SELECT gid, extract(epoch FROM clock_timestamp() - prepared)::int FROM pg_prepared_xacts
    WHERE database = current_database() AND prepared < clock_timestamp() - make_interval(secs => %s)
    ORDER BY prepared
"""
# Looked at so often, since a pooler that is busy may lend the same session twice by chance.
_TURNS = 5


@check(
    "database.connections",
    _("Connections of the database"),
    runbook="database-away",
    every_s=SOON_S,
)
def _connections() -> Iterator[Finding]:
    with connection.cursor() as cursor:
        cursor.execute(_ROOM)
        most, taken = cursor.fetchone()
    needed = _WEB + _QUEUE + 2 * settings.Q_CLUSTER["workers"] + _CLOCK
    if most < needed:
        yield problem(
            gettext_noop("The database takes {most} connections; the processes need {needed}."),
            gettext_noop("Raise max_connections of the server, or start fewer workers (WORKERS)."),
            most=most,
            needed=needed,
        )
    share = 100 * taken // most
    text = gettext_noop("{taken} of {most} connections of the database are taken.")
    advice = gettext_noop(
        "See who has them: SELECT application_name, count(*) FROM pg_stat_activity GROUP BY 1."
        " End what is too much, or raise max_connections."
    )
    if share >= _NEARLY_ALL:
        yield problem(text, advice, taken=taken, most=most)
    elif share >= _TAKEN:
        yield warning(text, advice, taken=taken, most=most)


@check(
    "database.transactions",
    _("Long transactions"),
    runbook="database-away",
    every_s=SOON_S,
)
def _transactions() -> Iterator[Finding]:
    with connection.cursor() as cursor:
        cursor.execute(_LONG, [_LONG_S])
        for pid, who, state, seconds in cursor.fetchall():
            found = problem if seconds > _LONGEST_S else warning
            yield found(
                gettext_noop("A transaction of {who} is open for {minutes} minutes ({state})."),
                gettext_noop(
                    "Until it ends no event after it is sealed and nothing is tidied up. If nobody"
                    " needs it: SELECT pg_terminate_backend({pid})."
                ),
                who=who,
                state=state or "",
                minutes=seconds // 60,
                pid=pid,
            )
        cursor.execute(_PREPARED, [_LONG_S])
        for gid, seconds in cursor.fetchall():
            yield problem(
                gettext_noop("A prepared transaction waits for {minutes} minutes: {gid}."),
                gettext_noop("The platform prepares none. End it: ROLLBACK PREPARED '{gid}'."),
                gid=gid,
                minutes=seconds // 60,
            )


@check(
    "database.pooler",
    _("Sessions of the database"),
    runbook="database-pooler",
    every_s=SOON_S,
)
def _pooler() -> Iterator[Finding]:
    """Two connections that are open at once have two sessions, each the same one all the time.

    Unless something between here and the server lends them for a transaction, or for a statement.
    """
    if connection.in_atomic_block:
        return
    other = connection.copy()
    try:
        pairs = {(_session(connection), _session(other)) for _turn in range(_TURNS)}
    finally:
        other.close()
    if len(pairs) > 1 or any(ours == theirs for ours, theirs in pairs):
        yield problem(
            gettext_noop(
                "A pooler lends sessions of the database for a transaction only, so that one"
                " tenant's requests may be answered from another's schema."
            ),
            gettext_noop(
                "Stop the platform now. Set pool_mode = session in PgBouncer, or let DATABASE_URL"
                " name PostgreSQL itself; then start it again."
            ),
        )


def _session(line: BaseDatabaseWrapper) -> int:
    with line.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        return int(cursor.fetchone()[0])
