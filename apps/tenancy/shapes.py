"""Whether a schema has the tables and columns that it should: a table can be dropped by hand, or
an app join a kind of schema without its tables.

What it should have is read from an empty schema that is made of the kind's template and rolled
back; of the operator's schema the models say it. All tenants are compared by one query, which
digests each table where it lies.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from django.apps import apps
from django.db import connection, transaction

from apps.tenancy.kinds import PREFIXES, PUBLIC, app_labels, kind_of
from apps.tenancy.templates import create_schema, template_sql

# Tables of a schema, each with its columns: the name alone is too little, and the order is of no
# matter. Types of extensions have another number in each database, but one in all schemas.
_SHAPES = """
    SELECT n.nspname, c.relname,
        string_agg(a.attname || ' ' || a.atttypid || ' ' || a.attnotnull, ',' ORDER BY a.attname)
    FROM pg_namespace n
    JOIN pg_class c ON c.relnamespace = n.oid AND c.relkind IN ('r', 'p')
    JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
    WHERE n.nspname = ANY(%s)
    GROUP BY n.nspname, c.relname
"""
_DIGESTS = f"""
    SELECT nspname, md5(string_agg(relname || ':' || columns, ';' ORDER BY relname))
    FROM ({_SHAPES}) AS shapes(nspname, relname, columns) GROUP BY nspname
"""  # nosec B608 - no value of anybody's
_SAMPLE = "shape"
Shape = dict[str, frozenset[str]]


@dataclass(frozen=True)
class Difference:
    """What a schema lacks: a table, or columns of one; or whose columns are of another type."""

    schema: str
    table: str
    # None: the whole table.
    columns: tuple[str, ...] | None = None

    def __str__(self) -> str:
        whole = f"{self.schema}.{self.table}"
        return whole if self.columns is None else f"{whole} ({', '.join(self.columns)})"


def differences(schemas: Iterable[str]) -> list[Difference]:
    """What the schemas lack of what their kinds should have; two queries for those that are well.

    Further tables and columns are nobody's fault: the release before may still need them.
    """
    found: list[Difference] = []
    by_kind: dict[str, list[str]] = {}
    for schema in schemas:
        by_kind.setdefault(kind_of(schema), []).append(schema)
    for kind, names in by_kind.items():
        found += _lacking(names, *_wanted(kind))
    return sorted(found, key=str)


def missing_in_public() -> list[Difference]:
    """Tables and columns that the operator's schema lacks, by the models."""
    (have,) = (*_shapes([PUBLIC]).values(), {})[:1]
    return sorted(_compared(PUBLIC, _of_models(), have, by_name=True), key=str)


def _of_models() -> Shape:
    found = {}
    for label in app_labels(PUBLIC):
        for model in apps.get_app_config(label).get_models(include_auto_created=True):
            if model._meta.managed and not model._meta.proxy:
                table = model._meta.db_table.rpartition(".")[2].strip('"')
                columns = (str(field.column) for field in model._meta.local_concrete_fields)
                found[table] = frozenset(columns)
    return found


def _wanted(kind: str) -> tuple[str, Shape]:
    """Digest and shape of an empty schema of a kind; it is made and taken back."""
    # The template itself cannot be made inside of a transaction.
    template_sql(kind)
    name = next(prefix for prefix, one in PREFIXES.items() if one == kind) + f"_{_SAMPLE}"
    with transaction.atomic():
        create_schema(name)
        digest, shape = _digests([name])[name], _shapes([name])[name]
        transaction.set_rollback(True)
    return digest, shape


def _lacking(schemas: list[str], digest: str, wanted: Shape) -> Iterator[Difference]:
    digests = _digests(schemas)
    others = [schema for schema in schemas if digests.get(schema) != digest]
    shapes = _shapes(others) if others else {}
    for schema in others:
        yield from _compared(schema, wanted, shapes.get(schema, {}))


def _compared(
    schema: str, wanted: Shape, have: Shape, *, by_name: bool = False
) -> Iterator[Difference]:
    for table, columns in wanted.items():
        there = have.get(table)
        if there is None:
            yield Difference(schema, table)
            continue
        names = {one.split(" ")[0] for one in there} if by_name else there
        lacks = sorted({one.split(" ")[0] for one in columns - names})
        if lacks:
            yield Difference(schema, table, tuple(lacks))


def _digests(schemas: Iterable[str]) -> dict[str, str]:
    with connection.cursor() as cursor:
        cursor.execute(_DIGESTS, [list(schemas)])
        return dict(cursor.fetchall())


def _shapes(schemas: Iterable[str]) -> dict[str, Shape]:
    found: dict[str, Shape] = {}
    with connection.cursor() as cursor:
        cursor.execute(_SHAPES, [list(schemas)])
        for schema, table, columns in cursor.fetchall():
            found.setdefault(schema, {})[table] = frozenset(columns.split(","))
    return found
