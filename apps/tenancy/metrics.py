"""What is told of tenants and their schemas, and of the database that holds them."""

from collections.abc import Iterator
from time import monotonic

from django.conf import settings
from django.db import connection

from apps.core.commands import as_here
from apps.core.telemetry.checks import checks
from apps.core.telemetry.readings import Measure, Sample, reads
from apps.tenancy.kinds import PREFIXES, PUBLIC
from apps.tenancy.migrating.behind import look, needed
from apps.tenancy.models import FailedMigration, SpareSchema, Tenant

_TENANTS = Measure("dotmac_tenants", "Tenants, by kind and where they are.", ("kind", "place"))
_MIGRATIONS = Measure(
    "dotmac_tenants_by_migration",
    "Schemas of tenants at this release, behind it, or not migrated because it failed.",
    ("state",),
)
_SPARES = Measure("dotmac_spare_schemas", "Empty schemas that wait for a sign-up.", ("kind",))
_CONNECTIONS = Measure(
    "dotmac_database_connections", "Connections to this database, by state.", ("state",)
)
_MOST = Measure("dotmac_database_connections_max", "Connections that its server allows.")
_OLDEST = Measure(
    "dotmac_database_oldest_transaction_seconds",
    "Age of the oldest transaction; nothing after it is sealed or cleaned up.",
)
_SIZE = Measure("dotmac_database_size_bytes", "Size of this database.")
_ACTIVITY_SQL = """
    SELECT coalesce(state, 'none'), count(*), extract(epoch FROM now() - min(xact_start))
    FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()
    GROUP BY 1
"""
_STATES = ("active", "idle", "idle in transaction", "none")
# Hundreds of schemas take a second, and change with a release only.
_LOOKS_EVERY_S = 300.0
_looked: dict[int, tuple[float, int]] = {}


@reads("tenants", _TENANTS, _SPARES)
def _tenants() -> Iterator[Sample]:
    kinds = [kind for kind in settings.TENANT_TYPES if kind != PUBLIC]
    counted = {(kind, place): 0 for kind in kinds for place in ("here", "own stack")}
    for kind, is_local in Tenant.objects.exclude(kind=PUBLIC).values_list("kind", "is_local"):
        counted[kind, "here" if is_local else "own stack"] += 1
    yield from ((_TENANTS, count, key) for key, count in counted.items())
    spare = dict.fromkeys(PREFIXES.values(), 0)
    for kind in SpareSchema.objects.values_list("kind", flat=True):
        spare[kind] += 1
    yield from ((_SPARES, count, (kind,)) for kind, count in spare.items())


@reads("migrations", _MIGRATIONS)
def _migrations() -> Iterator[Sample]:
    here = Tenant.objects.filter(is_local=True).exclude(kind=PUBLIC).count()
    failed, behind = FailedMigration.objects.count(), _behind(here)
    for state, count in (
        ("current", max(0, here - max(behind, failed))),
        ("behind", max(0, behind - failed)),
        ("failed", failed),
    ):
        yield _MIGRATIONS, count, (state,)


def _behind(tenants: int) -> int:
    """How many lack a migration, looked at anew where their number changed."""
    until, count = _looked.get(tenants, (0.0, 0))
    if until < monotonic():
        count = len(look().schemas)
        _looked.clear()
        _looked[tenants] = (monotonic() + _LOOKS_EVERY_S, count)
    return count


@reads("database", _CONNECTIONS, _MOST, _OLDEST, _SIZE)
def _database() -> Iterator[Sample]:
    counted, oldest = dict.fromkeys(_STATES, 0), 0.0
    with connection.cursor() as cursor:
        cursor.execute(_ACTIVITY_SQL)
        for state, count, age_s in cursor.fetchall():
            counted[state if state in counted else "none"] += count
            oldest = max(oldest, float(age_s or 0))
        cursor.execute(
            "SELECT current_setting('max_connections')::int, pg_database_size(current_database())"
        )
        most, size = cursor.fetchone()
    yield from ((_CONNECTIONS, count, (state,)) for state, count in counted.items())
    yield from ((_MOST, most, ()), (_OLDEST, oldest, ()), (_SIZE, size, ()))


_known_current: set[frozenset[tuple[str, str]]] = set()


@checks("migrations")
def _is_migrated() -> str:
    """Asked until it is so once: what is migrated stays so."""
    if needed(PUBLIC) in _known_current:
        return ""
    with connection.cursor() as cursor:
        cursor.execute('SELECT app, name FROM "public"."django_migrations"')
        missing = needed(PUBLIC) - set(cursor.fetchall())
    if missing:
        run = as_here("Run `python manage.py migrate_fleet`.")
        return f"Migrations that are missing: {len(missing)}. {run}"
    _known_current.add(needed(PUBLIC))
    return ""
