"""Every tenant of the database, many at a time; one that fails stays as it was, and is named."""

import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial

import psycopg
import structlog
from django.db import Error, ProgrammingError, connection, transaction
from django.db.migrations.recorder import MigrationRecorder
from psycopg.errors import DeadlockDetected, LockNotAvailable

from apps.tenancy.exceptions import ChangedMeanwhileError, HeldTenantError
from apps.tenancy.kinds import PUBLIC, operator, schema_of
from apps.tenancy.locks import held_alone
from apps.tenancy.migrating.behind import Behind, Group, look
from apps.tenancy.migrating.failures import forget_all_but, forget_failure, keep_failure
from apps.tenancy.migrating.plans import Plan, Step, plan_for
from apps.tenancy.migrating.public import migrate_public
from apps.tenancy.models import Tenant
from apps.tenancy.templates import migrate_schema, template_sql

log = structlog.get_logger(__name__)

_LOCK = 0x0D07_F1EE
# A migration waits so long for a table, and all who want that table wait behind it.
_LOCK_TIMEOUT_S = 2
_TRIES = 5
# Until an export of a tenant is over, which keeps migrations away by a lock that no request wants.
_EXPORT_S = 30 * 60
_HELD = "It was being exported for longer than a migration waits. Run this again after the export."
_NO_TABLE = "It has no table of migrations. Restore it, or delete the tenant."


@dataclass
class Progress:
    """How far it is: counts of schemas, and the message of each that failed."""

    total: int = 0
    done: int = 0
    failed: dict[str, str] = field(default_factory=dict)


Report = Callable[[Progress, str], object]


def migrate_fleet(report: Report, *, jobs: int = 4, only: Sequence[str] = ()) -> Progress:
    """Migrate `public`, the templates, and each tenant that is behind, `jobs` at a time.

    Whoever comes second waits for the first and finds its work done. It can be killed at any
    time: a schema is brought up in one transaction, and the next run goes on with the others.
    `only` names schemas; empty is all. `report` is told after each schema, by this thread.
    """
    progress = Progress()
    with operator(), held_alone(_LOCK):
        migrate_public(lambda line: report(progress, line))
        for kind in Tenant.Kind.values:
            if kind != PUBLIC:
                template_sql(kind)
        behind = look(only)
        progress.total = behind.count + len(behind.unreadable)
        if not only:
            forget_all_but(behind.schemas)
        for schema, error in _outcomes(behind, jobs):
            progress.done += 1
            _keep(schema, error, progress)
            report(progress, schema)
    return progress


def _keep(schema: str, error: str, progress: Progress) -> None:
    if error:
        progress.failed[schema] = error
        keep_failure(schema, error)
    else:
        forget_failure(schema)


def _outcomes(behind: Behind, jobs: int) -> Iterator[tuple[str, str]]:
    """Each schema with what went wrong in it, empty where nothing did."""
    yield from ((schema, _NO_TABLE) for schema in behind.unreadable)
    with ThreadPoolExecutor(jobs, thread_name_prefix="migrate") as pool:
        for group in behind.groups:
            yield from _group(group, pool)


def _group(group: Group, pool: ThreadPoolExecutor) -> Iterator[tuple[str, str]]:
    plan = plan_for(group)
    bring_up = partial(_by_sql_or_models, plan) if plan else migrate_schema
    rest = list(group.schemas)
    while plan and rest and not plan.is_tried:
        first = rest.pop(0)
        yield first, _attempt(bring_up, first)
    yield from pool.map(lambda schema: (schema, _apart(bring_up, schema)), rest)


def _apart(bring_up: Callable[[str], None], schema: str) -> str:
    """An attempt on a thread of the pool, whose connection is closed after it."""
    try:
        return _attempt(bring_up, schema)
    finally:
        connection.close()


def _attempt(bring_up: Callable[[str], None], schema: str) -> str:
    for turn in range(_TRIES):
        try:
            bring_up(schema)
        except ChangedMeanwhileError:
            return ""
        except Error as error:
            if not _is_busy(error) or turn == _TRIES - 1:
                return _failure(schema, error)
            time.sleep(2**turn / 4)
        except Exception as error:
            return _failure(schema, error)
        else:
            return ""
    return ""


def _is_busy(error: Error) -> bool:
    return isinstance(error.__cause__, LockNotAvailable | DeadlockDetected)


def _failure(schema: str, error: Exception) -> str:
    cause = error.__cause__
    if isinstance(error, Error) and isinstance(cause, psycopg.Error):
        # Without its detail and context, which tell the rows of people.
        said = cause.diag.message_primary or type(cause).__name__
        log.error("tenant_not_migrated", schema=schema, error=said, sqlstate=cause.sqlstate)
    else:
        said = str(error).strip()
        log.error("tenant_not_migrated", schema=schema, exc_info=error)
    return f"{type(error).__name__}: {said}"


def _by_sql_or_models(plan: Plan, schema: str) -> None:
    """Replay; where the SQL does not fit, as with a constraint of another name, ask the schema."""
    try:
        bring_up_by(plan, schema)
    except ProgrammingError:
        if not (plan.is_tried and plan.is_atomic):
            raise
        bring_up_by(plan, schema, replay=False)


def bring_up_by(plan: Plan, schema: str, *, replay: bool = True) -> None:
    """Bring one schema up: in one transaction unless a migration forbids it."""
    with schema_of(schema):
        if plan.is_atomic:
            with transaction.atomic():
                heard = _steps(plan, replay=replay)
        else:
            heard = _steps_alone(plan)
    # Only what went through counts as known; a schema that lacked a table taught nothing.
    for step, sql in zip(plan.steps, heard, strict=True):
        step.sql = step.sql or sql
    plan.is_tried = True


def _steps(plan: Plan, *, replay: bool) -> list[str | None]:
    _begin(plan)
    heard = []
    for step in plan.steps:
        heard.append(_run(plan, step, replay=replay))
        # Rows that a step wrote leave checks for the end, under which no table can be altered.
        _execute("SET CONSTRAINTS ALL IMMEDIATE; SET CONSTRAINTS ALL DEFERRED")
    plan.note(plan.recorded)
    plan.add_types()
    return heard


def _steps_alone(plan: Plan) -> list[str | None]:
    """Each migration by itself, noted with what it did; one that is noted is not run again."""
    heard: list[str | None] = []
    done = set(MigrationRecorder(connection).applied_migrations())
    for step in plan.steps:
        heard.append(step.sql if step.key in done else _run_alone(plan, step))
    steps = {step.key for step in plan.steps}
    with transaction.atomic():
        plan.note(tuple(key for key in plan.recorded if key not in steps | done))
        plan.add_types()
    return heard


def _run_alone(plan: Plan, step: Step) -> str | None:
    if step.migration.atomic:
        with transaction.atomic():
            _execute(f"SET LOCAL lock_timeout = '{_LOCK_TIMEOUT_S}s'")
            heard = _run(plan, step, replay=True)
            plan.note((step.key,))
            return heard
    # As it wants: what is built beside those who write waits for them, and nobody waits for it.
    heard = _run(plan, step, replay=True)
    plan.note((step.key,))
    return heard


def _run(plan: Plan, step: Step, *, replay: bool) -> str | None:
    if plan.is_tried:
        step.run(replay=replay)
        return step.sql
    return step.heard()


def _begin(plan: Plan) -> None:
    """ChangedMeanwhileError where a step has been applied since it was looked at."""
    with connection.cursor() as cursor:
        cursor.execute(f"SET LOCAL lock_timeout = '{_EXPORT_S}s'")
        try:
            cursor.execute("LOCK TABLE django_migrations IN SHARE ROW EXCLUSIVE MODE")
        except Error as error:
            if isinstance(error.__cause__, LockNotAvailable):
                raise HeldTenantError(_HELD) from error
            raise
        cursor.execute(f"SET LOCAL lock_timeout = '{_LOCK_TIMEOUT_S}s'")
        keys = [f"{app} {name}" for app, name in (step.key for step in plan.steps)]
        cursor.execute("SELECT 1 FROM django_migrations WHERE app || ' ' || name = ANY(%s)", [keys])
        if cursor.fetchone():
            raise ChangedMeanwhileError


def _execute(sql: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(sql)
