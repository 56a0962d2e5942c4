"""The database server: version, settings, rights, clock, disk, and what ages in it."""

import shutil
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.db import connection
from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop

from apps.core.health import SOON_S, Finding, check, problem, some, warning
from apps.core.zones import time_zones

_OLDEST = 150_000
_SKEW_S = 5.0
_GIB = 1024**3
# Of the disk of the data.
_FEW_FREE, _FEWEST_FREE = 15, 5
_LITTLE_FREE = 2 * _GIB
# Transactions until PostgreSQL refuses to write: two thousand million.
_OLD_AGE, _OLDEST_AGE = 500_000_000, 1_500_000_000
_HELD, _HELD_MUCH = 1 * _GIB, 10 * _GIB


@check("database.server", _("Database server"), runbook="database-away")
def _server() -> Iterator[Finding]:
    facts = _row(
        "SELECT current_setting('server_version_num')::int, current_setting('server_version'),"
        " getdatabaseencoding(), current_setting('TimeZone'),"
        " has_database_privilege(current_database(), 'CREATE'),"
        " pg_has_role('pg_monitor', 'USAGE')"
    )
    number, version, encoding, zone, may_create, may_watch = facts
    if number < _OLDEST:
        yield problem(
            gettext_noop("PostgreSQL {version} is too old."),
            gettext_noop("Move the database to PostgreSQL 15 or newer."),
            version=version,
        )
    if encoding != "UTF8":
        yield problem(
            gettext_noop("The database stores {encoding}, so that some names cannot be kept."),
            gettext_noop("Dump it, and restore it into a database with the encoding UTF8."),
            encoding=encoding,
        )
    if zone != "UTC":
        yield warning(
            gettext_noop("Sessions are in the time zone {zone} instead of UTC."),
            gettext_noop("Take TIME_ZONE out of the settings of the database."),
            zone=zone,
        )
    if not may_create:
        yield problem(
            gettext_noop("The role may not make schemas, so that nobody can sign up."),
            gettext_noop("As the owner: GRANT CREATE ON DATABASE … TO the role of DATABASE_URL."),
        )
    if not may_watch:
        yield warning(
            gettext_noop("The role cannot see sessions of others, so some checks see less."),
            gettext_noop("As a superuser: GRANT pg_monitor TO the role of DATABASE_URL."),
        )


@check("database.writable", _("Writing to the database"), runbook="database-read-only")
def _writable() -> Iterator[Finding]:
    is_standby, is_read_only = _row(
        "SELECT pg_is_in_recovery(), current_setting('default_transaction_read_only') = 'on'"
    )
    if is_standby:
        yield problem(
            gettext_noop("The database is a standby: it takes nothing."),
            gettext_noop("Promote it, or let DATABASE_URL name the server that takes writes."),
        )
    elif is_read_only:
        yield problem(
            gettext_noop("The database is read-only (default_transaction_read_only)."),
            gettext_noop(
                "Follow the runbook: ALTER DATABASE … RESET default_transaction_read_only."
            ),
        )


@check("clock.database", _("Clocks"), runbook="queue-stands-still", every_s=SOON_S)
def _clock() -> Iterator[Finding]:
    before = time.time()
    (there,) = _row("SELECT extract(epoch FROM clock_timestamp())::float")
    after = time.time()
    off = max(before - there, there - after, 0.0)
    if off > _SKEW_S:
        yield problem(
            gettext_noop("The clocks of this host and of the database are {seconds} s apart."),
            gettext_noop("Have both follow a time server: `timedatectl set-ntp true`."),
            seconds=round(off),
        )


@check("database.disk", _("Disk of the database"), runbook="database-full", every_s=SOON_S)
def _disk() -> Iterator[Finding]:
    """Seen only where the server runs on this host and its directory is open to us."""
    folder = _data_folder()
    if folder is None:
        return
    usage = shutil.disk_usage(folder)
    free = 100 * usage.free // usage.total
    values: dict[str, str | int] = {"free": free, "gib": f"{usage.free / _GIB:.1f}"}
    text = gettext_noop("The disk of the database has {gib} GiB free, {free} percent.")
    advice = gettext_noop("Make room before it is full; the runbook says how.")
    if free < _FEWEST_FREE and usage.free < 10 * _LITTLE_FREE:
        yield problem(text, advice, **values)
    elif free < _FEW_FREE and usage.free < 20 * _LITTLE_FREE:
        yield warning(text, advice, **values)


@check("database.age", _("Age of the database's transactions"), runbook="database-full")
def _age() -> Iterator[Finding]:
    name, age = _row(
        "SELECT datname, greatest(age(datfrozenxid), mxid_age(datminmxid)) FROM pg_database"
        " WHERE datallowconn ORDER BY 2 DESC LIMIT 1"
    )
    text = gettext_noop("The oldest transaction of {name} is {age} millions ago.")
    advice = gettext_noop(
        "End old transactions and unused slots, then run `vacuumdb --freeze {name}`: at 2,000"
        " millions the server takes no writes."
    )
    if age > _OLDEST_AGE:
        yield problem(text, advice, name=name, age=age // 1_000_000)
    elif age > _OLD_AGE:
        yield warning(text, advice, name=name, age=age // 1_000_000)


@check("database.slots", _("Replication slots"), runbook="database-full")
def _slots() -> Iterator[Finding]:
    rows = _rows(
        "SELECT slot_name, active, wal_status, pg_wal_lsn_diff(CASE WHEN pg_is_in_recovery()"
        " THEN pg_last_wal_replay_lsn() ELSE pg_current_wal_lsn() END, restart_lsn)::bigint"
        " FROM pg_replication_slots"
    )
    for name, is_active, status, held in rows:
        values: dict[str, str | int] = {"name": name, "gib": f"{(held or 0) / _GIB:.1f}"}
        advice = gettext_noop(
            "Start what reads from it; if nothing does any more:"
            " SELECT pg_drop_replication_slot('{name}')."
        )
        if status == "lost":
            yield problem(gettext_noop("The slot {name} has lost what it needs."), advice, **values)
        elif not is_active and (held or 0) > _HELD:
            text = gettext_noop("Nobody reads from the slot {name}, which holds {gib} GiB of WAL.")
            found = problem if held > _HELD_MUCH else warning
            yield found(text, advice, **values)


def _data_folder() -> Path | None:
    """Where the server keeps its data, or the nearest folder above it that we may enter."""
    host = connection.get_connection_params().get("host") or "localhost"
    if not (
        host.startswith("/") or host in ("localhost", "127.0.0.1", "::1", socket.gethostname())
    ):
        return None
    (may,) = _row("SELECT pg_has_role('pg_read_all_settings', 'USAGE')")
    if not may:
        return None
    (named,) = _row("SELECT current_setting('data_directory')")
    for folder in (Path(named), *Path(named).parents):
        try:
            shutil.disk_usage(folder)
        except OSError:
            continue
        # Of a container's server the path is of another machine: up to the root nothing is known.
        return folder if len(folder.parts) > 1 else None
    return None


@check("database.zones", _("Time zones of the database"), runbook="database-away")
def _zones() -> Iterator[Finding]:
    """Days are counted by the database, in the zone of whoever looks."""
    known = {name for (name,) in _rows("SELECT name FROM pg_timezone_names")}
    unknown = [name for name, _label in time_zones() if name not in known]
    if unknown:
        yield problem(
            gettext_noop("PostgreSQL does not know {names}: pages of people there fail."),
            gettext_noop("Update the time zones (tzdata) of the database server, and restart it."),
            names=some(unknown),
        )


def _row(statement: str) -> tuple[Any, ...]:
    return _rows(statement)[0]


def _rows(statement: str) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement)
        return list(cursor.fetchall())
