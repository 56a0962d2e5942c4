"""All tenants of a database brought to a release: replayed, resumed, and named where they fail."""

import os
import shutil
import signal
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder
from django.test import override_settings

from apps.tenancy.kinds import operator, schema_of
from apps.tenancy.migrating import fleet
from apps.tenancy.migrating.behind import look
from apps.tenancy.migrating.fleet import Progress, migrate_fleet
from apps.tenancy.migrating.plans import plan_for
from apps.tenancy.models import FailedMigration, Tenant
from apps.tenancy.services import create_tenant
from apps.tenancy.templates import drop_schema
from tests.live import module_database

__all__ = ["module_database"]

_ROOT = Path(__file__).resolve().parents[2]
_PERSON = "user"
_OLD = ("admin", "0003_logentry_add_action_flag_choices")
_NUMBERS = count()
SLUGS = [f"isp{number:02}" for number in range(8)]


def quiet(_progress: Progress, _what: str) -> None:
    """Nobody watches."""


@pytest.fixture
def database(module_database: str) -> Iterator[str]:
    """The module's database, in the operator's schema."""
    connection.set_schema_to_public()
    yield module_database
    connection.set_schema_to_public()


@pytest.fixture
def tenants(database: str) -> Iterator[list[str]]:
    """Eight consoles beside the others, gone after the test."""
    schemas = [
        create_tenant(
            kind="console", slug=slug, name=slug, host=f"{slug}.dotmac.localhost"
        ).schema_name
        for slug in SLUGS
    ]
    yield schemas
    for schema in schemas:
        drop_schema(schema)
    Tenant.objects.filter(slug__in=SLUGS).delete()
    FailedMigration.objects.all().delete()


@pytest.fixture
def release(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Path]:
    """The migrations of `lists` as a package that a next release adds to."""
    name = f"probe{next(_NUMBERS)}"
    folder = shutil.copytree(_ROOT / "apps/lists/migrations", tmp_path / name)
    monkeypatch.syspath_prepend(tmp_path)
    with override_settings(MIGRATION_MODULES={"lists": name}):
        yield folder


def write(folder: Path, name: str, operations: str, *, after: str, head: str = "") -> None:
    """A migration file of `lists` that follows `after`."""
    text = f"""
        from django.db import migrations, models
        from uuid import uuid4
        {head}
        class Migration(migrations.Migration):
            dependencies = [("lists", "{after}")]
            operations = [{operations}]
    """
    (folder / f"{name}.py").write_text(textwrap.dedent(text))


def newest() -> str:
    """The last migration of `lists` in this release."""
    folder = _ROOT / "apps/lists/migrations"
    return max(file.stem for file in folder.glob("[0-9]*.py") if not file.stem.startswith("9"))


NOTE = 'migrations.AddField("savedview", "note", models.CharField(max_length=9, default="50%"))'


def columns(schema: str) -> set[str]:
    """The columns of the saved views of a schema."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT column_name FROM information_schema.columns"
            " WHERE table_schema = %s AND table_name = 'lists_savedview'",
            [schema],
        )
        return {name for (name,) in cursor.fetchall()}


def applied(schema: str) -> int:
    """How often the probe's migration is noted."""
    with schema_of(schema):
        return MigrationRecorder.Migration.objects.filter(app="lists", name__startswith="9").count()


def test_a_column_is_added_to_all_tenants_by_the_sql_of_the_first(
    tenants: list[str], release: Path
) -> None:
    write(release, "9001_note", NOTE, after=newest())
    group = next(group for group in look(tenants).groups)
    plan = plan_for(group)
    assert plan is not None
    fleet.bring_up_by(plan, group.schemas[0])
    assert [step.key for step in plan.steps] == [("lists", "9001_note")]
    assert "ADD COLUMN" in (plan.steps[0].sql or "")
    done = migrate_fleet(quiet, only=tenants)
    assert (done.total, done.done, done.failed) == (7, 7, {})
    for schema in tenants:
        assert "note" in columns(schema)
        assert applied(schema) == 1
    assert look(tenants).count == 0


def test_a_migration_in_python_runs_in_each_tenant(tenants: list[str], release: Path) -> None:
    head = """
        def add(apps, editor):
            apps.get_model("lists", "SavedView")
            editor.execute("COMMENT ON TABLE lists_savedview IS 'seen'")
    """
    write(release, "9001_note", NOTE, after=newest())
    write(release, "9002_code", "migrations.RunPython(add)", after="9001_note", head=head)
    done = migrate_fleet(quiet, only=tenants)
    assert done.failed == {}
    with connection.cursor() as cursor:
        for schema in tenants:
            cursor.execute(f"SELECT obj_description('{schema}.lists_savedview'::regclass)")
            assert cursor.fetchone() == ("seen",)
            assert applied(schema) == 2


def test_one_tenant_that_fails_stays_as_it_was_and_the_others_go_on(
    tenants: list[str], release: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(release, "9001_note", NOTE, after=newest())
    write(release, "9002_more", NOTE.replace('"note"', '"more"'), after="9001_note")
    broken = [tenants[0], tenants[4]]
    for schema in broken:
        connection.cursor().execute(f"ALTER TABLE {schema}.lists_savedview ADD COLUMN more text")
    with pytest.raises(CommandError, match="2 of 8 tenants were not migrated"):
        call_command("migrate_fleet", *tenants)
    said = capsys.readouterr()
    assert all(f"{schema}: " in said.err and "already exists" in said.err for schema in broken)
    for schema in tenants:
        assert ("note" in columns(schema)) == (schema not in broken)
        assert applied(schema) == (0 if schema in broken else 2)
    assert set(FailedMigration.objects.values_list("schema", flat=True)) == set(broken)
    for schema in broken:
        connection.cursor().execute(f"ALTER TABLE {schema}.lists_savedview DROP COLUMN more")
    call_command("migrate_fleet", *tenants)
    assert all(applied(schema) == 2 for schema in tenants)
    assert not FailedMigration.objects.exists()


def test_a_constraint_of_another_name_is_asked_for_in_its_own_tenant(
    tenants: list[str], release: Path
) -> None:
    free = 'models.ForeignKey("accounts.User", models.CASCADE, db_constraint=False, null=True)'
    write(
        release,
        "9001_free",
        f'migrations.AlterField("savedview", "{_PERSON}", {free})',
        after=newest(),
    )
    name = f"""SELECT conname FROM pg_constraint WHERE contype = 'f'
        AND conrelid = '{tenants[5]}.lists_savedview'::regclass
        AND confrelid = '{tenants[5]}.accounts_user'::regclass"""
    with connection.cursor() as cursor:
        cursor.execute(name)
        old = cursor.fetchone()[0]
        cursor.execute(f"ALTER TABLE {tenants[5]}.lists_savedview RENAME CONSTRAINT {old} TO other")
    assert migrate_fleet(quiet, only=tenants).failed == {}
    with connection.cursor() as cursor:
        cursor.execute(name)
        assert cursor.fetchone() is None


def test_a_run_that_was_killed_is_resumed_and_nothing_is_applied_twice(
    tenants: list[str], release: Path, database: str
) -> None:
    write(
        release, "9001_slow", f'{NOTE}, migrations.RunSQL("SELECT pg_sleep(0.3)")', after=newest()
    )
    code = textwrap.dedent(f"""
        import sys
        sys.path.insert(0, {str(release.parent)!r})
        import django; django.setup()
        from django.conf import settings
        settings.MIGRATION_MODULES = {{"lists": {release.name!r}}}
        from apps.tenancy.migrating.fleet import migrate_fleet
        migrate_fleet(lambda p, what: print(what, flush=True), jobs=2, only={tenants!r})
    """)
    run = subprocess.Popen(
        [sys.executable, "-c", code], cwd=_ROOT, stdout=subprocess.PIPE, text=True, env=os.environ
    )
    assert run.stdout is not None
    seen = [line for line in (run.stdout.readline() for _turn in range(3)) if line]
    run.send_signal(signal.SIGKILL)
    run.wait(30)
    assert seen
    before = [schema for schema in tenants if applied(schema)]
    assert 0 < len(before) < len(tenants)
    done = migrate_fleet(quiet, only=tenants)
    assert done.failed == {}
    assert len(before) + done.total >= len(tenants)
    assert [applied(schema) for schema in tenants] == [1] * len(tenants)


def test_a_tenant_whose_table_is_held_is_tried_again(
    tenants: list[str], release: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(release, "9001_note", NOTE, after=newest())
    monkeypatch.setattr(fleet, "_LOCK_TIMEOUT_S", 1)
    holder = connection.copy()
    try:
        with holder.cursor() as cursor:
            cursor.execute("SET idle_in_transaction_session_timeout = '1500ms'")
            cursor.execute(f"BEGIN; LOCK TABLE {tenants[3]}.lists_savedview")
        assert migrate_fleet(quiet, only=tenants).failed == {}
    finally:
        holder.close()
    assert applied(tenants[3]) == 1


def test_a_tenant_that_was_migrated_meanwhile_is_left_alone(
    tenants: list[str], release: Path
) -> None:
    write(release, "9001_note", NOTE, after=newest())
    plan = plan_for(next(iter(look(tenants).groups)))
    assert plan is not None
    fleet.bring_up_by(plan, tenants[0])
    with pytest.raises(fleet.ChangedMeanwhileError):
        fleet.bring_up_by(plan, tenants[0])
    assert applied(tenants[0]) == 1


def test_only_the_tenant_that_lacks_a_migration_is_behind(database: str, initech, acme) -> None:
    migrate_fleet(quiet)
    assert look().count == 0
    with schema_of(initech.console):
        MigrationRecorder(connection).record_unapplied(
            "admin", "0003_logentry_add_action_flag_choices"
        )
    with schema_of(acme.workspace):
        MigrationRecorder(connection).record_unapplied("fleet", "0001_initial")
    assert [group.schemas for group in look().groups] == [(initech.console,)]
    assert migrate_fleet(quiet).failed == {}
    assert look().count == 0


def test_a_schema_without_a_table_of_migrations_is_named(tenants: list[str]) -> None:
    connection.cursor().execute(f"DROP TABLE {tenants[2]}.django_migrations")
    done = migrate_fleet(quiet, only=tenants)
    assert list(done.failed) == [tenants[2]]
    assert "no table of migrations" in done.failed[tenants[2]]


def test_models_that_are_new_get_their_permissions_everywhere(tenants: list[str]) -> None:
    with schema_of(tenants[1]), connection.cursor() as cursor:
        cursor.execute("DELETE FROM auth_permission WHERE codename LIKE '%savedview'")
        cursor.execute("SELECT count(*) FROM auth_permission")
        before = cursor.fetchone()[0]
        MigrationRecorder(connection).record_unapplied(
            "admin", "0003_logentry_add_action_flag_choices"
        )
    assert migrate_fleet(quiet, only=tenants).failed == {}
    with schema_of(tenants[1]), connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM auth_permission")
        assert cursor.fetchone()[0] == before + 4
    with operator():
        assert connection.schema_name == "public"
