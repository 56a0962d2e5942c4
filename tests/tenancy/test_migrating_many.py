"""A release comes to two hundred tenants, is killed in the middle, and one does not bear it."""

import os
import signal
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from django.db import connection

from apps.tenancy.kinds import app_labels
from apps.tenancy.migrating.behind import look
from apps.tenancy.migrating.fleet import migrate_fleet
from apps.tenancy.models import FailedMigration
from apps.tenancy.services import create_tenant
from apps.tenancy.templates import template_sql
from tests.live import module_database
from tests.tenancy.releases import NOTE, applied, columns, newest, quiet, release, write

__all__ = ["module_database", "release"]
# On an idle machine it is over within half a minute; the tests of others run beside it.
pytestmark = pytest.mark.timeout(600)

_ROOT = Path(__file__).resolve().parents[2]
_COUNT, _JOBS = 200, 4
_FRAMEWORK = [f"django.contrib.{name}" for name in ("contenttypes", "auth", "admin")]
# Counts how often it was run to its end: what is rolled back takes the sequence with it.
_TIMES = (
    "migrations.RunSQL("
    "\"CREATE SEQUENCE IF NOT EXISTS lists_times; SELECT nextval('lists_times')\")"
)
# Enough for `lists`: of all apps, two hundred schemas take minutes to make and to remove.
_APPS = [*_FRAMEWORK, "apps.core", "apps.accounts", "apps.lists"]


@pytest.fixture
def lean(settings: Any) -> Iterator[None]:
    """Consoles that hold few apps."""
    console = {**settings.TENANT_TYPES["console"], "APPS": _APPS}
    settings.TENANT_TYPES = {**settings.TENANT_TYPES, "console": console}
    app_labels.cache_clear()
    yield
    app_labels.cache_clear()


@pytest.fixture
def tenants(module_database: str, lean: None) -> Iterator[list[str]]:
    """Two hundred consoles, which go with the module's database."""
    connection.set_schema_to_public()
    template_sql("console")
    with ThreadPoolExecutor(_JOBS) as pool:
        yield sorted(pool.map(_tenant, range(_COUNT)))
    connection.set_schema_to_public()


def _tenant(number: int) -> str:
    slug = f"many{number:03}"
    try:
        host = f"{slug}.dotmac.localhost"
        return create_tenant(kind="console", slug=slug, name=slug, host=host).schema_name
    finally:
        connection.close()


def times(schema: str) -> int:
    """How often the probe's migration was run to its end."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT coalesce(last_value, 0) FROM pg_sequences"
            " WHERE schemaname = %s AND sequencename = 'lists_times'",
            [schema],
        )
        found = cursor.fetchone()
    return int(found[0]) if found else 0


def _killed_after(count: int, release: Path) -> None:
    """A run in a process of its own, ended by SIGKILL once so many tenants were told of."""
    code = textwrap.dedent(f"""
        import sys
        sys.path.insert(0, {str(release.parent)!r})
        import django; django.setup()
        from django.conf import settings
        settings.MIGRATION_MODULES = {{"lists": {release.name!r}}}
        settings.TENANT_TYPES["console"]["APPS"] = {_APPS!r}
        from apps.tenancy.migrating.fleet import migrate_fleet
        migrate_fleet(lambda p, what: print(what, flush=True), jobs={_JOBS})
    """)
    run = subprocess.Popen(
        [sys.executable, "-c", code], cwd=_ROOT, stdout=subprocess.PIPE, text=True, env=os.environ
    )
    assert run.stdout is not None
    told = 0
    while told < count:
        line = run.stdout.readline()
        assert line, f"It ended after {told} tenants."
        told += line.startswith("c_many")
    run.send_signal(signal.SIGKILL)
    run.wait(30)


def test_of_two_hundred_one_fails_and_the_others_are_migrated_once_whoever_is_killed(
    tenants: list[str], release: Path
) -> None:
    assert len(tenants) == _COUNT
    write(release, "9001_note", f"{NOTE}, {_TIMES}", after=newest())
    broken = tenants[30]
    connection.cursor().execute(f"ALTER TABLE {broken}.lists_savedview ADD COLUMN note text")
    _killed_after(_COUNT // 2, release)
    before = {schema for schema in tenants if applied(schema)}
    assert _COUNT // 2 - 1 <= len(before) < _COUNT - 1
    done = migrate_fleet(quiet, jobs=_JOBS)
    assert list(done.failed) == [broken]
    assert "already exists" in done.failed[broken]
    others = [schema for schema in tenants if schema != broken]
    assert {times(schema) for schema in others} == {1}
    assert {applied(schema) for schema in others} == {1}
    assert all("note" in columns(schema) for schema in others)
    assert (times(broken), applied(broken)) == (0, 0)
    assert list(look().schemas) == [broken]
    assert FailedMigration.objects.get().schema == broken
    connection.cursor().execute(f"ALTER TABLE {broken}.lists_savedview DROP COLUMN note")
    done = migrate_fleet(quiet, jobs=_JOBS)
    assert (done.total, done.failed) == (1, {})
    assert {times(schema) for schema in tenants} == {1}
    assert not FailedMigration.objects.exists()
