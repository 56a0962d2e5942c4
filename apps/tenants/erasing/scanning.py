"""Finding rows of any table by what they say, whatever model they are of."""

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from django.db import connection, models
from psycopg import sql

_TABLES = """
    SELECT c.relname FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
    WHERE n.nspname = %s AND c.relkind IN ('r', 'p') ORDER BY 1
"""
# Ids by themselves name nobody, and a log's rows cannot be without them (events.erasing).
_IDS = {"events_event": ("actor_id", "subject_id")}


def tables_of(schema: str) -> list[str]:
    """The tables of a schema, by name."""
    with connection.cursor() as cursor:
        cursor.execute(_TABLES, [schema])
        return [name for (name,) in cursor.fetchall()]


def count_rows(schema: str) -> dict[str, int]:
    """How many rows each table of a schema has, without those that have none."""
    found = {}
    with connection.cursor() as cursor:
        for table in tables_of(schema):
            place = sql.Identifier(schema, table)
            cursor.execute(sql.SQL("SELECT count(*) FROM {}").format(place))
            found[table] = int(cursor.fetchone()[0])
    return {table: count for table, count in found.items() if count}


def tables_that_say(
    pattern: str, *, schema: str, but: Collection[str] = ()
) -> Iterator[tuple[str, int]]:
    """The tables of a schema in which a row matches in any column, and how many rows do."""
    for table in tables_of(schema):
        if table in but:
            continue
        condition, values = _says(table, pattern)
        place = sql.Identifier(schema, table)
        with connection.cursor() as cursor:
            cursor.execute(
                sql.SQL("SELECT count(*) FROM {} AS x WHERE ").format(place) + condition, values
            )
            count = int(cursor.fetchone()[0])
        if count:
            yield table, count


def rows_that_say(model: type[models.Model], pattern: str) -> list[object]:
    """Primary keys of a model's rows that match, in the current schema."""
    table = model._meta.db_table
    condition, values = _says(table, pattern)
    key = sql.Identifier(str(model._meta.pk.column))
    with connection.cursor() as cursor:
        cursor.execute(
            sql.SQL("SELECT x.{} FROM {} AS x WHERE ").format(key, _place(table)) + condition,
            values,
        )
        return [pk for (pk,) in cursor.fetchall()]


def matching(pattern: str, texts: Mapping[str, str]) -> set[str]:
    """The names of the texts that match, as a row's would."""
    with connection.cursor() as cursor:
        asked = "SELECT name FROM unnest(%s::text[], %s::text[]) AS t(name, said) WHERE said ~* %s"
        cursor.execute(asked, [list(texts), list(texts.values()), pattern])
        return {name for (name,) in cursor.fetchall()}


def _place(table: str) -> sql.Identifier:
    """A table of all carries its schema in its name, in quotation marks."""
    return sql.Identifier(*table.strip('"').split('"."'))


def _says(table: str, pattern: str) -> tuple[sql.Composable, list[Any]]:
    ids = list(_IDS.get(table, ()))
    # Two casts: the operator that leaves keys out takes an array of texts.
    return sql.SQL("(to_jsonb(x) - %s::text[])::text ~* %s"), [ids, pattern]
