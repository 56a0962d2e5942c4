"""Bringing the rows of an archive into an empty schema that stands at the same migrations."""

from collections.abc import Iterable
from typing import Any

import psycopg
from django.utils.translation import gettext as _
from psycopg import sql

from apps.tenancy.exceptions import DamagedArchiveError
from apps.tenancy.transfer.archive import ArchiveReader, altered
from apps.tenancy.transfer.catalogue import rules_of, set_sequences, tables_of
from apps.tenancy.transfer.exporting import SESSION, Progress, Report
from apps.tenancy.transfer.manifest import Manifest, Table


def load(cursor: Any, archive: ArchiveReader, schema: str, report: Report) -> None:
    """Replace all rows of a schema by those of an archive, and have its sequences go on.

    In the caller's transaction, which must end where this raises. Indexes and foreign keys are
    taken off meanwhile and checked once at the end: row by row costs more, and memory for each.
    """
    manifest = archive.manifest
    tables = tables_of(cursor, schema)
    _check_fit(manifest, tables)
    cursor.execute(SESSION)
    rules = rules_of(cursor, schema)
    _run(cursor, rules.taking)
    _run(cursor, [_emptied(schema, table) for table in tables])
    _copy_in(cursor, archive, schema, report)
    set_sequences(cursor, schema, manifest.sequences)
    _run(cursor, rules.giving)


def _check_fit(manifest: Manifest, tables: list[Table]) -> None:
    """Names of an archive reach a statement only where the schema has them."""
    ours = {table.name: set(table.columns) for table in tables}
    theirs = {table.name: set(table.columns) for table in manifest.tables}
    empty = {name: ours.get(name) for name in manifest.left_out}
    odd = sorted(
        name
        for name in ours.keys() | theirs.keys() | empty.keys()
        if ours.get(name) != {**empty, **theirs}.get(name)
    )
    if odd:
        raise DamagedArchiveError(
            _("The tables of this archive are not those of its migrations: %(tables)s.")
            % {"tables": ", ".join(odd[:5])}
        )


def _emptied(schema: str, table: Table) -> sql.Composed:
    names = sql.Identifier(schema), sql.Identifier(table.name)
    return sql.SQL("DELETE FROM {}.{}").format(*names)


def _copy_in(cursor: Any, archive: ArchiveReader, schema: str, report: Report) -> None:
    count, rows, size = len(archive.manifest.tables), 0, 0
    for number, (table, pieces) in enumerate(archive.tables()):
        try:
            with cursor.copy(copy_in(schema, table)) as copy:
                for piece in pieces:
                    copy.write(piece)
                    size += len(piece)
                    report(Progress(table.name, number, count, rows, size))
        except (psycopg.DataError, psycopg.IntegrityError) as error:
            raise altered(table.name) from error
        if cursor.rowcount != table.rows:
            raise DamagedArchiveError(
                _("%(table)s holds %(rows)s rows; its manifest says %(said)s.")
                % {"table": table.name, "rows": cursor.rowcount, "said": table.rows}
            )
        rows += table.rows
    report(Progress("", count, count, rows, size))


def copy_in(schema: str, table: Table) -> sql.Composed:
    """The statement that takes a table's data."""
    return sql.SQL("COPY {}.{} ({}) FROM STDIN").format(
        sql.Identifier(schema),
        sql.Identifier(table.name),
        sql.SQL(", ").join(map(sql.Identifier, table.columns)),
    )


def _run(cursor: Any, statements: Iterable[sql.Composed]) -> None:
    """All at once: a round trip for each costs more than most of them."""
    joined = sql.SQL(";\n").join(statements)
    if joined.as_string(None):
        cursor.execute(joined)
