"""Which tenants lack what, told by one query for hundreds of schemas."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache

from django.db import connection
from django.db.migrations.loader import MigrationLoader
from psycopg import sql

from apps.tenancy.kinds import PUBLIC, app_labels, kind_of
from apps.tenancy.models import Tenant

Key = tuple[str, str]
# A schema costs two of the server's locks in the query; a default server has 6,400 for all.
_AT_ONCE = 500


@dataclass(frozen=True)
class Group:
    """Schemas of one kind that stand at the same migration, so that one plan suits them all."""

    kind: str
    applied: frozenset[Key]
    schemas: tuple[str, ...]


@dataclass(frozen=True)
class Behind:
    """The tenants that are to be migrated, and those whose schema is not what it should be."""

    groups: tuple[Group, ...]
    # Schemas without a table of migrations; nothing can be said of them but that.
    unreadable: tuple[str, ...]

    @property
    def schemas(self) -> list[str]:
        """All that are named here."""
        return [one for group in self.groups for one in group.schemas] + list(self.unreadable)

    @property
    def count(self) -> int:
        """How many schemas are to be migrated."""
        return sum(len(group.schemas) for group in self.groups)


def look(only: Iterable[str] = ()) -> Behind:
    """The tenants of this database that lack a migration of their kind."""
    kinds = _kinds(only)
    graph = MigrationLoader(None, ignore_no_migrations=True).graph
    wanted = {kind: _of(kind, graph.nodes) for kind in set(kinds.values())}
    groups, read = [], set()
    for digest_kind, schemas in _by_state(kinds).items():
        read.update(schemas)
        kind, _digest = digest_kind
        applied = _applied(schemas[0])
        if wanted[kind] - applied:
            groups.append(Group(kind, applied, tuple(schemas)))
    return Behind(tuple(groups), tuple(sorted(set(kinds) - read)))


def is_behind(schema: str) -> bool:
    """Whether one schema lacks what this process needs, whose code does not change while it runs.

    True also for one without a table of migrations.
    """
    if not _with_table([schema]):
        return True
    return bool(needed(kind_of(schema)) - _applied(schema))


@cache
def needed(kind: str) -> frozenset[Key]:
    """The migrations of a kind in this code."""
    return frozenset(_of(kind, MigrationLoader(None, ignore_no_migrations=True).graph.nodes))


def _kinds(only: Iterable[str]) -> dict[str, str]:
    tenants = Tenant.objects.filter(is_local=True).exclude(kind=PUBLIC).order_by("pk")
    chosen = tuple(only)
    if chosen:
        tenants = tenants.filter(schema_name__in=chosen)
    return dict(tenants.values_list("schema_name", "kind"))


def _of(kind: str, nodes: Iterable[Key]) -> set[Key]:
    return {key for key in nodes if key[0] in app_labels(kind)}


def _by_state(kinds: dict[str, str]) -> dict[tuple[str, str], list[str]]:
    """Schemas by kind and by a digest of what they have applied, in the order of their birth."""
    found: dict[tuple[str, str], list[str]] = {}
    for schema, digest in _digests(kinds):
        found.setdefault((kinds[schema], digest), []).append(schema)
    return found


def _digests(schemas: Iterable[str]) -> Iterator[tuple[str, str]]:
    with connection.cursor() as cursor:
        for some in _chunks(_with_table(schemas)):
            cursor.execute(sql.SQL(" UNION ALL ").join(map(_digest_of, some)))
            yield from cursor.fetchall()


def _chunks(schemas: list[str]) -> Iterator[list[str]]:
    for start in range(0, len(schemas), _AT_ONCE):
        yield schemas[start : start + _AT_ONCE]


def _digest_of(schema: str) -> sql.Composed:
    return sql.SQL(
        "SELECT {}, md5(string_agg(app || ' ' || name, ',' ORDER BY app, name))"
        " FROM {}.django_migrations"
    ).format(sql.Literal(schema), sql.Identifier(schema))


def _with_table(schemas: Iterable[str]) -> list[str]:
    """Those that have a table of migrations, in the same order."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT s.name FROM unnest(%s::text[]) WITH ORDINALITY AS s(name, place)"
            " JOIN pg_namespace n ON n.nspname = s.name"
            " JOIN pg_class c ON c.relnamespace = n.oid AND c.relname = 'django_migrations'"
            " ORDER BY s.place",
            [list(schemas)],
        )
        return [name for (name,) in cursor.fetchall()]


def _applied(schema: str) -> frozenset[Key]:
    query = sql.SQL("SELECT app, name FROM {}.django_migrations").format(sql.Identifier(schema))
    with connection.cursor() as cursor:
        cursor.execute(query)
        return frozenset(cursor.fetchall())
