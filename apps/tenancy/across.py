"""One question to many schemas at once, instead of one connection or query for each."""

from collections.abc import Iterable, Iterator
from typing import Any

from django.db import connection
from psycopg import sql

# A table with its indexes costs a dozen of the server's locks; a default server has 6,400 for all.
_AT_ONCE = 100


def ask_schemas(
    schemas: Iterable[str], tables: Iterable[str], query: str
) -> Iterator[tuple[Any, ...]]:
    """Rows of a query over the schemas that have these tables, each with its schema before it.

    In the query `{schema}` is the schema's name; it gives columns and is no set by itself.
    """
    with connection.cursor() as cursor:
        found = schemas_with(schemas, tables)
        for start in range(0, len(found), _AT_ONCE):
            asked = [_one(query, schema) for schema in found[start : start + _AT_ONCE]]
            cursor.execute(sql.SQL(" UNION ALL ").join(asked))
            yield from cursor.fetchall()


def schemas_with(schemas: Iterable[str], tables: Iterable[str]) -> list[str]:
    """Those of the schemas that have all of the tables."""
    wanted = list(tables)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT n.nspname FROM pg_namespace n JOIN pg_class c ON c.relnamespace = n.oid"
            " WHERE n.nspname = ANY(%s) AND c.relname = ANY(%s) AND c.relkind = 'r'"
            " GROUP BY n.nspname HAVING count(*) = %s ORDER BY n.nspname",
            [list(schemas), wanted, len(wanted)],
        )
        return [name for (name,) in cursor.fetchall()]


def _one(query: str, schema: str) -> sql.Composed:
    return sql.SQL("SELECT {}::text AS schema, asked.* FROM ({}) AS asked").format(
        sql.Literal(schema), sql.SQL(query).format(schema=sql.Identifier(schema))
    )
