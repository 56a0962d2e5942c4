"""The schemas: at this release, whole, each somebody's, and spare ones for who comes next."""

from collections.abc import Iterator

from django.conf import settings
from django.db import connection, transaction
from django.db.migrations.loader import MigrationLoader
from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop

from apps.core.health import Finding, check, mends, problem, some, warning
from apps.tenancy.kinds import PREFIXES, PUBLIC, app_labels, kept_aside, operator, schema_exists
from apps.tenancy.migrating.behind import look
from apps.tenancy.models import FailedMigration, SpareSchema, Tenant
from apps.tenancy.shapes import differences, missing_in_public
from apps.tenancy.spares import SPARE_MARK, missing_spares
from apps.tenancy.templates import drop_schema, template_schema

_LISTED = 20


@check("schemas.migrations", _("Release of all schemas"), runbook="migration-failed")
def _migrations() -> Iterator[Finding]:
    advice = gettext_noop("Run `python manage.py migrate_fleet`.")
    missing = sorted(_missing_in_public())
    if missing:
        text = gettext_noop("The operator's schema lacks migrations of this release: {names}.")
        yield problem(text, advice, names=some(missing))
    behind = look()
    if behind.count:
        text = gettext_noop("{count} tenants are behind this release: {names}.")
        names = [one for group in behind.groups for one in group.schemas]
        yield problem(text, advice, count=behind.count, names=some(names))
    if behind.unreadable:
        yield problem(
            gettext_noop("No table of migrations in: {names}."),
            gettext_noop("Restore these schemas; the runbook “restoring” says how."),
            names=some(behind.unreadable),
        )
    failed = list(FailedMigration.objects.order_by("schema").values_list("schema", flat=True))
    if failed:
        yield problem(
            gettext_noop("{count} tenants could not be migrated: {names}."),
            gettext_noop(
                "The page “Tenants not migrated” says why. Mend it, then run"
                " `python manage.py migrate_fleet`."
            ),
            count=len(failed),
            names=some(failed),
        )


def _missing_in_public() -> set[str]:
    loader = MigrationLoader(connection, ignore_no_migrations=True)
    own = app_labels(PUBLIC)
    applied = set(loader.applied_migrations or {})
    return {f"{app}.{name}" for app, name in set(loader.graph.nodes) - applied if app in own}


@check("schemas.tables", _("Tables of all schemas"), runbook="restoring")
def _tables() -> Iterator[Finding]:
    rows = Tenant.objects.filter(is_local=True).exclude(kind=PUBLIC)
    names = rows.order_by("schema_name").values_list("schema_name", flat=True)
    # One that is behind lacks columns, of which another check tells.
    behind = set(look().schemas)
    found = [*missing_in_public(), *differences(name for name in names if name not in behind)]
    for one in found[:_LISTED]:
        if one.columns is None:
            text, values = gettext_noop("The table {table} is missing in {schema}."), {}
        else:
            text = gettext_noop(
                "{schema}: columns of {table} are missing or of another type: {columns}."
            )
            values = {"columns": some(one.columns)}
        yield problem(
            text,
            gettext_noop(
                "`python manage.py migrate_fleet` does not bring back what is recorded as made:"
                " restore {schema} from a backup, or make the table as its migration does."
            ),
            schema=one.schema,
            table=one.table,
            **values,
        )
    if len(found) > _LISTED:
        yield problem(
            gettext_noop("{count} more tables or columns are missing."),
            gettext_noop("Mend those that are named; the next look names the next."),
            count=len(found) - _LISTED,
        )


@check("schemas.owners", _("Schemas and tenants"), runbook="removing-an-isp")
def _owners() -> Iterator[Finding]:
    there = set(_ours())
    tenants = set(
        Tenant.objects.filter(is_local=True)
        .exclude(kind=PUBLIC)
        .values_list("schema_name", flat=True)
    )
    spares = set(SpareSchema.objects.values_list("name", flat=True))
    templates = {template_schema(kind) for kind in PREFIXES.values()}
    gone = sorted(tenants - there)
    if gone:
        yield problem(
            gettext_noop("{count} tenants have no schema: {names}."),
            gettext_noop("Restore them from a backup; the runbook “restoring” says how."),
            count=len(gone),
            names=some(gone),
        )
    # Kept for some weeks by whoever brought the tenant back (docs/runbooks/restoring.md).
    aside = {kept_aside(name) for name in tenants}
    known = tenants | spares | templates | aside
    nobodys = sorted(name for name in there - known if SPARE_MARK not in name[1:])
    if nobodys:
        yield warning(
            gettext_noop("{count} schemas belong to no tenant: {names}."),
            gettext_noop(
                "Find out whose they were and keep a dump of each:"
                " `pg_dump --schema NAME`. Then drop them by DROP SCHEMA."
            ),
            count=len(nobodys),
            names=some(nobodys),
        )


@check("schemas.spares", _("Schemas for sign-ups"), runbook="queue-stands-still")
def _spares() -> Iterator[Finding]:
    lost = sorted(_lost_spares() | _forgotten_spares())
    if lost:
        yield warning(
            gettext_noop("{count} spare schemas are lost: {names}."),
            gettext_noop("Run `python manage.py doctor --only schemas.spares --mend`."),
            count=len(lost),
            names=some(lost),
        )
    missing = missing_spares()
    if settings.SPARE_SCHEMAS and missing:
        yield warning(
            gettext_noop("{count} schemas for sign-ups are missing or of another release."),
            gettext_noop("Clock and workers make them within a minute: see that both run."),
            count=missing,
        )


@mends("schemas.spares", _("Drop the spare schemas that nobody knows of any more"))
def _mend_spares() -> int:
    """Drop what no row names, and forget rows whose schema is gone; each checked again under it."""
    mended = 0
    for name in sorted(_forgotten_spares()):
        with transaction.atomic(), operator():
            mended += SpareSchema.objects.filter(name=name).delete()[0]
    for name in sorted(_lost_spares()):
        with transaction.atomic(), operator():
            if schema_exists(name) and not SpareSchema.objects.filter(name=name).exists():
                drop_schema(name)
                mended += 1
    return mended


def _lost_spares() -> set[str]:
    """Schemas of spares that no row names; the row commits together with the schema."""
    known = set(SpareSchema.objects.values_list("name", flat=True))
    return {name for name in _ours() if SPARE_MARK in name[1:] and name not in known}


def _forgotten_spares() -> set[str]:
    there = set(_ours())
    return {
        name for name in SpareSchema.objects.values_list("name", flat=True) if name not in there
    }


def _ours() -> list[str]:
    """The schemas of consoles and workspaces that this database has."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT nspname FROM pg_namespace ORDER BY nspname")
        names = [name for (name,) in cursor.fetchall()]
    return [name for name in names if name[:2] in PREFIXES]
