"""All tenants of a database brought to a release: replayed, resumed, and named where they fail."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from django.contrib.auth.models import Permission
from django.core.management import CommandError, call_command
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder

from apps.accounts.models import User
from apps.lists.models import SavedView
from apps.tenancy.kinds import app_labels, operator, schema_of
from apps.tenancy.migrating import fleet
from apps.tenancy.migrating.behind import look
from apps.tenancy.migrating.fleet import migrate_fleet
from apps.tenancy.migrating.plans import plan_for
from apps.tenancy.models import FailedMigration
from apps.tenancy.templates import drop_schema, migrate_schema
from dotmac.server.marks import SOME_TENANTS_FAILED
from tests.live import module_database
from tests.tenancy.releases import (
    NOTE,
    applied,
    columns,
    database,
    newest,
    quiet,
    release,
    tenants,
    write,
)

__all__ = ["database", "module_database", "release", "tenants"]

_PERSON = "user"


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
    with pytest.raises(CommandError, match="2 of 8 tenants were not migrated") as caught:
        call_command("migrate_fleet", *tenants)
    assert caught.value.returncode == SOME_TENANTS_FAILED
    assert all(schema in str(caught.value) for schema in broken)
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


TOKEN = 'migrations.AddField("savedview", "note", models.UUIDField(default=uuid.uuid4))'


def test_what_a_function_says_is_said_anew_in_each_tenant(
    tenants: list[str], release: Path
) -> None:
    for schema in tenants:
        with schema_of(schema):
            user = User.objects.create_user("token@example.org")
            SavedView.objects.create(user=user, list="a.b", name="All", query="")
    write(release, "9001_note", TOKEN, after=newest())
    assert migrate_fleet(quiet, only=tenants).failed == {}
    with connection.cursor() as cursor:
        each = " UNION ALL ".join(f"SELECT note FROM {one}.lists_savedview" for one in tenants)
        cursor.execute(f"SELECT count(*), count(DISTINCT note) FROM ({each}) AS notes")
        assert cursor.fetchone() == (len(tenants), len(tenants))


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


@contextmanager
def earlier_release(settings) -> Iterator[None]:
    """One whose consoles do not hold `lists` yet."""
    kinds = settings.TENANT_TYPES
    names = [name for name in kinds["console"]["APPS"] if name != "apps.lists"]
    settings.TENANT_TYPES = {**kinds, "console": {**kinds["console"], "APPS": names}}
    app_labels.cache_clear()
    yield
    settings.TENANT_TYPES = kinds
    app_labels.cache_clear()


def test_an_app_that_comes_to_a_kind_in_a_later_release_comes_to_its_schemas(
    tenants: list[str], settings
) -> None:
    old = tenants[:2]
    with earlier_release(settings):
        for schema in old:
            drop_schema(schema)
            connection.cursor().execute(f"CREATE SCHEMA {schema}")
            migrate_schema(schema)
    assert columns(old[0]) == set()
    assert sorted(look(tenants).schemas) == old
    assert migrate_fleet(quiet, only=tenants).failed == {}
    assert columns(old[0]) == columns(old[1]) == columns(tenants[2])
    with schema_of(old[1]):
        assert Permission.objects.filter(codename="view_savedview").exists()
    assert look(tenants).count == 0


def test_a_step_outside_of_a_transaction_is_not_run_again(
    tenants: list[str], release: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The next step waits for somebody in vain, and the whole is tried again."""
    monkeypatch.setattr(fleet, "_LOCK_TIMEOUT_S", 1)
    index = """AddIndexConcurrently(
        "savedview", models.Index(fields=["name"], name="lists_probe"))"""
    head = """
        from django.contrib.postgres.operations import AddIndexConcurrently
    """
    write(release, "9001_index", index, after=newest(), head=head)
    file = release / "9001_index.py"
    file.write_text(file.read_text().replace("Migration):", "Migration):\n    atomic = False", 1))
    write(release, "9002_note", NOTE, after="9001_index")
    holder = connection.copy()
    try:
        with holder.cursor() as cursor:
            cursor.execute("SET idle_in_transaction_session_timeout = '2500ms'")
            # It lets an index be made beside it, and no column be added.
            cursor.execute(f"BEGIN; LOCK TABLE {tenants[3]}.lists_savedview IN ACCESS SHARE MODE")
        assert migrate_fleet(quiet, only=tenants).failed == {}
    finally:
        holder.close()
    assert [applied(schema) for schema in tenants] == [2] * len(tenants)
    assert all("note" in columns(schema) for schema in tenants)


def test_a_failure_is_told_without_what_a_row_holds(
    tenants: list[str], release: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    values = "'kim.lind@example.org'), ('kim.lind@example.org'"
    rows = f"CREATE TABLE probe (email text UNIQUE); INSERT INTO probe VALUES ({values})"
    write(release, "9001_rows", f"migrations.RunSQL({rows!r})", after=newest())
    done = migrate_fleet(quiet, only=tenants)
    assert set(done.failed) == set(tenants)
    assert "duplicate key value" in done.failed[tenants[0]]
    said = " ".join(done.failed.values()) + capfd.readouterr().err
    assert "kim.lind" not in said


def test_a_schema_that_nobody_has_is_an_error(database: str) -> None:
    with pytest.raises(CommandError, match="No tenant here has the schema acme"):
        call_command("migrate_fleet", "acme")
