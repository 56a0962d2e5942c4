"""What a schema consists of, as PostgreSQL's catalogue knows it."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from psycopg import sql

from apps.tenancy.transfer.manifest import Sequence, Table

_TABLES = """
    SELECT c.relname, array_agg(a.attname::text ORDER BY a.attnum)
    FROM pg_class c
    JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0
        AND NOT a.attisdropped AND a.attgenerated = ''
    WHERE c.relnamespace = %s::regnamespace AND c.relkind = 'r'
    GROUP BY c.relname ORDER BY c.relname"""
_SEQUENCES = """
    SELECT relname FROM pg_class
    WHERE relnamespace = %s::regnamespace AND relkind = 'S' ORDER BY relname"""
_FOREIGN_KEYS = """
    SELECT r.relname, c.conname, pg_get_constraintdef(c.oid) FROM pg_constraint c
    JOIN pg_class r ON r.oid = c.conrelid
    WHERE c.connamespace = %s::regnamespace AND c.contype = 'f' ORDER BY r.relname, c.conname"""
# Those that no constraint stands on.
_INDEXES = """
    SELECT c.relname, pg_get_indexdef(i.indexrelid) FROM pg_index i
    JOIN pg_class c ON c.oid = i.indexrelid
    WHERE c.relnamespace = %s::regnamespace AND c.relkind = 'i'
        AND NOT EXISTS (SELECT 1 FROM pg_constraint k WHERE k.conindid = i.indexrelid)
    ORDER BY c.relname"""

_TRIGGERS = """
    SELECT r.relname, t.tgname FROM pg_trigger t JOIN pg_class r ON r.oid = t.tgrelid
    WHERE r.relnamespace = %s::regnamespace AND NOT t.tgisinternal AND t.tgenabled = 'O'
    ORDER BY r.relname, t.tgname"""


@dataclass(frozen=True)
class Rules:
    """Triggers, indexes and foreign keys of a schema, as statements that take and give them back.

    Both come from the catalogue of the schema itself, which migrations made.
    """

    taking: tuple[sql.Composed, ...]
    giving: tuple[sql.Composed, ...]


def tables_of(cursor: Any, schema: str) -> list[Table]:
    """Its tables in order of their names, with their columns."""
    cursor.execute(_TABLES, [_quoted(schema)])
    return [Table(name=name, columns=columns) for name, columns in cursor.fetchall()]


def sequences_of(cursor: Any, schema: str) -> list[Sequence]:
    """Where its sequences stand now."""
    cursor.execute(_SEQUENCES, [_quoted(schema)])
    names = [name for (name,) in cursor.fetchall()]
    if not names:
        return []
    one = sql.SQL("SELECT {}::text, last_value, is_called FROM {}.{}")
    each = [one.format(name, sql.Identifier(schema), sql.Identifier(name)) for name in names]
    cursor.execute(sql.SQL(" UNION ALL ").join(each))
    return [Sequence(name=n, last=last, is_called=called) for n, last, called in cursor.fetchall()]


def set_sequences(cursor: Any, schema: str, sequences: Iterable[Sequence]) -> None:
    """Have sequences of this schema, which are there, go on from where others stood."""
    one = sql.SQL("setval({}::regclass, {}, {})")
    calls = [
        one.format(f"{_quoted(schema)}.{_quoted(each.name)}", each.last, each.is_called)
        for each in sequences
    ]
    if calls:
        cursor.execute(sql.SQL("SELECT {}").format(sql.SQL(", ").join(calls)))


def rules_of(cursor: Any, schema: str) -> Rules:
    """The rules of a schema that the connection stands in: rows come in quicker without them."""
    place, taking, giving = sql.Identifier(schema), [], []
    cursor.execute(_TRIGGERS, [_quoted(schema)])
    for table, name in cursor.fetchall():
        names = place, sql.Identifier(table), sql.Identifier(name)
        taking.append(sql.SQL("ALTER TABLE {}.{} DISABLE TRIGGER {}").format(*names))
        giving.append(sql.SQL("ALTER TABLE {}.{} ENABLE TRIGGER {}").format(*names))
    cursor.execute(_INDEXES, [_quoted(schema)])
    for name, definition in cursor.fetchall():
        taking.append(sql.SQL("DROP INDEX {}.{}").format(place, sql.Identifier(name)))
        giving.append(sql.Composed([sql.SQL(definition)]))
    cursor.execute(_FOREIGN_KEYS, [_quoted(schema)])
    keys = cursor.fetchall()
    for table, name, definition in keys:
        names = place, sql.Identifier(table), sql.Identifier(name)
        taking.append(sql.SQL("ALTER TABLE {}.{} DROP CONSTRAINT {}").format(*names))
        added = sql.SQL("ALTER TABLE {}.{} ADD CONSTRAINT {} ").format(*names)
        giving.append(added + sql.SQL(definition))
    return Rules(tuple(taking), tuple(giving))


def _quoted(name: str) -> str:
    """A name as regnamespace and regclass read it; ours have no quotes in them."""
    return f'"{name}"'
