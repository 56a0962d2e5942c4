"""An empty schema as an archive's own release made it, which may be older than this one."""

from django.db import NotSupportedError, connection
from django.db.migrations.recorder import MigrationRecorder
from django.utils.translation import gettext as _
from psycopg import sql

from apps.tenancy.exceptions import ForeignArchiveError
from apps.tenancy.kinds import kind_of, schema_of
from apps.tenancy.migrating.behind import Group, Key
from apps.tenancy.migrating.fleet import bring_up_by
from apps.tenancy.migrating.plans import plan_for, steps_to, unknown_of
from apps.tenancy.templates import drop_schema, migrate_schema


def refuse_unknown(applied: frozenset[Key]) -> None:
    """ForeignArchiveError that names migrations which this release does not have."""
    unknown = unknown_of(applied)
    if unknown:
        names = ", ".join(f"{app}.{name}" for app, name in unknown[:5])
        more = ", …" if len(unknown) > 5 else ""
        raise ForeignArchiveError(
            _(
                "This release does not know these migrations of the archive: %(names)s. Bring this"
                " installation to the release that it was made with, then import it."
            )
            % {"names": names + more}
        )


def is_newest(schema: str, applied: frozenset[Key]) -> bool:
    """Whether an archive stands where a schema of this release does."""
    return _applied(schema) == applied


def rebuild_at(schema: str, applied: frozenset[Key]) -> None:
    """Put an empty schema at these migrations in the place of one that is empty too.

    In the caller's transaction; ForeignArchiveError where that cannot be.
    """
    steps = steps_to(kind_of(schema), applied)
    drop_schema(schema)
    with connection.cursor() as cursor:
        cursor.execute(sql.SQL("CREATE SCHEMA {}").format(sql.Identifier(schema)))
        with schema_of(schema):
            MigrationRecorder(connection).ensure_schema()
            for step in steps:
                try:
                    step.run()
                except NotSupportedError as error:
                    raise ForeignArchiveError(
                        _(
                            "The archive is older than this release, and %(migration)s cannot be"
                            " made anew for it. Import it with its own release, then migrate."
                        )
                        % {"migration": ".".join(step.key)}
                    ) from error
                cursor.execute("SET CONSTRAINTS ALL IMMEDIATE; SET CONSTRAINTS ALL DEFERRED")


def bring_up(schema: str) -> None:
    """Migrate a schema with its rows to this release as `migrate_fleet` does, nobody watching."""
    plan = plan_for(Group(kind_of(schema), _applied(schema), (schema,)))
    if plan is None:
        migrate_schema(schema)
    else:
        bring_up_by(plan, schema)


def _applied(schema: str) -> frozenset[Key]:
    query = sql.SQL("SELECT app, name FROM {}.django_migrations").format(sql.Identifier(schema))
    with connection.cursor() as cursor:
        cursor.execute(query)
        return frozenset(cursor.fetchall())
