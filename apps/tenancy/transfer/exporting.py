"""Writing a tenant's schema into a file: one snapshot, table by table, as COPY tells it."""

import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO

from django.conf import settings
from django.db import connection
from django.utils.translation import gettext as _
from psycopg import Copy, sql
from psycopg.pq import ExecStatus

from apps.tenancy.exceptions import NoSchemaError
from apps.tenancy.kinds import PUBLIC, app_labels, operator, schema_exists
from apps.tenancy.models import Domain, Tenant
from apps.tenancy.transfer.archive import ArchiveWriter, part_of, parts_of
from apps.tenancy.transfer.catalogue import sequences_of, tables_of
from apps.tenancy.transfer.manifest import Manifest, Table
from apps.tenancy.transfer.registry import left_out, luggage

# What a row is written as must not depend on the server's or the role's settings.
SESSION = """
    SET LOCAL client_encoding = 'UTF8'; SET LOCAL DateStyle = 'ISO, MDY';
    SET LOCAL IntervalStyle = 'postgres'; SET LOCAL extra_float_digits = 1;
    SET LOCAL bytea_output = 'hex'; SET LOCAL statement_timeout = 0;
    SET LOCAL lock_timeout = 0; SET LOCAL idle_in_transaction_session_timeout = 0"""
_PIECE = 512 * 1024
_MIGRATIONS = "django_migrations"


@dataclass(frozen=True)
class Progress:
    """How far a file is: tables, rows and bytes; of how many tables."""

    table: str
    tables: int
    of_tables: int
    rows: int
    bytes: int


Report = Callable[[Progress], object]


def quiet(_progress: Progress) -> None:
    """For whoever does not watch."""


def tenant_named(name: str) -> Tenant:
    """A tenant of this database by its schema, or by a slug that only one has; NoSchemaError."""
    with operator():
        local = Tenant.objects.filter(is_local=True).exclude(kind=PUBLIC)
        found = list(local.filter(schema_name=name) or local.filter(slug=name))
        if len(found) > 1:
            said = {"name": name, "names": ", ".join(sorted(one.schema_name for one in found))}
            text = _("%(name)s has more than one schema here. Say which: %(names)s.")
            raise NoSchemaError(text % said)
        if not found or not schema_exists(found[0].schema_name):
            raise NoSchemaError(_no_schema(name))
        return found[0]


def _no_schema(name: str) -> str:
    elsewhere = Tenant.objects.filter(is_local=False).exclude(kind=PUBLIC)
    if elsewhere.filter(slug=name).exists() or elsewhere.filter(schema_name=name).exists():
        return _(
            "%(name)s is a dedicated workspace, which has a database of its own. Run this"
            " command in its container."
        ) % {"name": name}
    return _("No tenant of this database has the slug or schema %(name)s.") % {"name": name}


def export_schema(tenant: Tenant, path: Path, report: Report = quiet) -> Manifest:
    """Write a tenant into a file, which is there whole or not at all, for its owner to read.

    On a connection of its own, so that the caller can write how far it is: what `report` raises
    ends the export. Migrations of this schema wait for its end.
    """
    _clear_dead(path)
    part, file = _private(path)
    try:
        with file, _snapshot(tenant.schema_name) as cursor:
            draft = _draft(cursor, tenant)
            writer = ArchiveWriter(file, draft)
            _write_tables(cursor, writer, draft, report)
            done = writer.close()
            file.flush()
            part.replace(path)
    finally:
        part.unlink(missing_ok=True)
    return done


def _private(path: Path) -> tuple[Path, BinaryIO]:
    """A new file for its owner to read, locked as long as it is open.

    Two exports may write to one name, as where a worker has lost its lease and does not know yet.
    """
    while True:
        part = part_of(path)
        file = open(os.open(part, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600), "w+b")  # noqa: SIM115
        fcntl.flock(file, fcntl.LOCK_EX)
        # Another one may have taken it for dead before it was locked.
        if os.fstat(file.fileno()).st_nlink:
            return part, file
        file.close()


def _clear_dead(path: Path) -> None:
    """Delete what killed exports left: nobody holds it locked."""
    for part in parts_of(path):
        with suppress(OSError), part.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            part.unlink()


@contextmanager
def _snapshot(schema: str) -> Iterator[Any]:
    """A cursor whose queries all see one moment, and no migration changes the schema meanwhile."""
    own: Any = connection.copy()
    try:
        own.set_autocommit(False)
        with own.cursor() as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
            cursor.execute(SESSION)
            # Migrating takes a lock that this one keeps away; it comes before the snapshot, which
            # the first query takes.
            lock = sql.SQL("LOCK TABLE {}.django_migrations IN ROW EXCLUSIVE MODE")
            cursor.execute(lock.format(sql.Identifier(schema)))
            yield cursor
        own.rollback()
    finally:
        own.close()


def _draft(cursor: Any, tenant: Tenant) -> Manifest:
    schema, labels = tenant.schema_name, app_labels(tenant.kind)
    without = left_out(labels)
    tables = tables_of(cursor, schema)
    packed = {name: one.pack(cursor, schema) for name, one in sorted(luggage().items())}
    with operator():
        hosts = Domain.objects.filter(tenant=tenant).order_by("-is_primary", "domain")
        names = list(hosts.values_list("domain", flat=True))
    return Manifest(
        kind=tenant.kind,
        slug=tenant.slug,
        schema_name=schema,
        name=tenant.name,
        hosts=names,
        release=settings.VERSION,
        made_at=datetime.now(UTC).isoformat(timespec="seconds"),
        apps=sorted(labels),
        migrations=_applied(cursor, schema, labels),
        tables=[table for table in tables if table.name not in without],
        left_out=sorted(without),
        sequences=sequences_of(cursor, schema),
        luggage={name: one for name, one in packed.items() if one is not None},
    )


def _applied(cursor: Any, schema: str, labels: frozenset[str]) -> list[tuple[str, str]]:
    query = sql.SQL(
        "SELECT app, name FROM {}.django_migrations WHERE app = ANY(%s) ORDER BY app, name"
    )
    cursor.execute(query.format(sql.Identifier(schema)), [sorted(labels)])
    return [(app, name) for app, name in cursor.fetchall()]


def _write_tables(cursor: Any, writer: ArchiveWriter, draft: Manifest, report: Report) -> None:
    rows = size = 0
    for number, table in enumerate(draft.tables):
        statement = copy_out(draft.schema_name, table, draft.apps)
        done = table.model_copy(update={"rows": 0, "bytes": 0})
        for done in writer.add(table, _pieces(cursor, statement)):
            report(
                Progress(table.name, number, len(draft.tables), rows + done.rows, size + done.bytes)
            )
        rows, size = rows + done.rows, size + done.bytes
    report(Progress("", len(draft.tables), len(draft.tables), rows, size))


def copy_out(schema: str, table: Table, labels: list[str]) -> sql.Composed:
    """The statement that tells a table; of migrations only those of the kind's own apps."""
    place = sql.SQL("{}.{}").format(sql.Identifier(schema), sql.Identifier(table.name))
    columns = sql.SQL(", ").join(map(sql.Identifier, table.columns))
    if table.name == _MIGRATIONS:
        chosen = sql.SQL("(SELECT {} FROM {} WHERE app = ANY({}) ORDER BY id)")
        return sql.SQL("COPY {} TO STDOUT").format(chosen.format(columns, place, labels))
    return sql.SQL("COPY {} ({}) TO STDOUT").format(place, columns)


def _pieces(cursor: Any, statement: sql.Composed) -> Iterator[tuple[bytearray, int]]:
    """The data in pieces of half a megabyte, each with the number of its rows.

    Rows are taken from libpq itself: psycopg's own reading costs more for a row than the server.
    Each is copied at once; kept as objects they would call the garbage collector, which walks
    through all of the process for every few of them and made an export twice as slow.
    """
    with cursor.copy(statement) as copy:
        take = copy.connection.pgconn.get_copy_data
        piece, rows = bytearray(), 0
        length, row = take(0)
        while length > 0:
            piece += row
            rows += 1
            if len(piece) >= _PIECE:
                yield piece, rows
                piece, rows = bytearray(), 0
            length, row = take(0)
        _check_end(copy)
        if rows:
            yield piece, rows


def _check_end(copy: Copy) -> None:
    """OSError unless the server told the whole table."""
    pgconn = copy.connection.pgconn
    result = pgconn.get_result()
    while (more := pgconn.get_result()) is not None:
        result = more
    if result is None or result.status != ExecStatus.COMMAND_OK:
        raise OSError(f"COPY failed: {pgconn.get_error_message()}")
