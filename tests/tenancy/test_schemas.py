"""New schemas from the template, old ones migrated, and ones that are gone."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.contrib.contenttypes.models import ContentType
from django.db import IntegrityError, connection, transaction
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder

from apps.accounts.models import User
from apps.events import services as events
from apps.events.actors import SYSTEM, Subject
from apps.events.sealing import seal
from apps.events.verifying import verify
from apps.tenancy.exceptions import SchemaExistsError, TemplateError
from apps.tenancy.files import folder_of
from apps.tenancy.kinds import app_labels, kind_of, operator, schema_exists, schema_name, schema_of
from apps.tenancy.models import SchemaTemplate, Tenant
from apps.tenancy.services import create_tenant
from apps.tenancy.templates import create_schema, drop_schema, migrate_schema, template_sql
from apps.work import services as work
from apps.work.models import Due, Mark, Signal
from config import kinds
from tests.live import in_vain, module_database
from tests.operations.nursery import until

__all__ = ["module_database"]

_ROOT = Path(__file__).resolve().parents[2]
_CATALOGUES = {
    "columns": """
        SELECT table_name, column_name, data_type, character_maximum_length,
            numeric_precision, numeric_scale, is_nullable, column_default, is_identity,
            identity_generation
        FROM information_schema.columns WHERE table_schema = %(schema)s
        ORDER BY table_name, ordinal_position""",
    "constraints": """
        SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid), condeferrable,
            condeferred, convalidated
        FROM pg_constraint WHERE connamespace = %(schema)s::regnamespace ORDER BY 1, 2""",
    "indexes": """
        SELECT tablename, indexname, indexdef FROM pg_indexes
        WHERE schemaname = %(schema)s ORDER BY 1, 2""",
    "sequences": """
        SELECT sequencename, data_type::text, start_value, increment_by, max_value, cycle
        FROM pg_sequences WHERE schemaname = %(schema)s ORDER BY 1""",
}


@pytest.fixture
def database(module_database: str) -> Iterator[str]:
    """The module's database, in the operator's schema."""
    connection.set_schema_to_public()
    yield module_database
    connection.set_schema_to_public()


@contextmanager
def passing_schema(name: str) -> Iterator[str]:
    """A schema that is gone after the test."""
    try:
        yield name
    finally:
        drop_schema(name)


def catalogue(schema: str) -> dict[str, list[Any]]:
    """What a schema consists of, in words that do not name it."""
    found = {}
    with operator(), connection.cursor() as cursor:
        for name, query in _CATALOGUES.items():
            cursor.execute(query, {"schema": schema})
            found[name] = [
                tuple(plain(v.replace(schema, "SCHEMA")) if isinstance(v, str) else v for v in row)
                for row in cursor.fetchall()
            ]
    return found


def plain(definition: str) -> str:
    """A definition without casts and brackets, which PostgreSQL sets otherwise when it reads it."""
    return re.sub(r"::(character varying|text)|[()\[\]]", "", definition)


def rows(schema: str) -> dict[str, set[Any]]:
    """What Django keeps about models and migrations."""
    own = app_labels(kind_of(schema))
    with schema_of(schema):
        types = ContentType.objects.filter(app_label__in=own)
        permissions = Permission.objects.filter(content_type__in=types)
        return {
            "content types": set(types.values_list("app_label", "model")),
            "permissions": set(
                permissions.values_list("content_type__app_label", "codename", "name")
            ),
            "migrations": set(MigrationRecorder(connection).applied_migrations()),
        }


@pytest.mark.parametrize("kind", ["console", "workspace"])
def test_a_replayed_schema_is_the_same_as_a_migrated_one(database: str, kind: str) -> None:
    replayed, migrated = schema_name(kind, "replayed"), schema_name(kind, "migrated")
    with passing_schema(replayed), passing_schema(migrated):
        create_schema(replayed)
        connection.cursor().execute(f"CREATE SCHEMA {migrated}")
        migrate_schema(migrated)
        assert rows(replayed) == rows(migrated)
        expected, found = catalogue(migrated), catalogue(replayed)
        assert found["columns"]
        for name in _CATALOGUES:
            assert found[name] == expected[name], name


@pytest.mark.parametrize("kind", ["console", "workspace"])
def test_a_replayed_schema_counts_on_where_its_template_ended(database: str, kind: str) -> None:
    with passing_schema(schema_name(kind, "counts")) as name:
        create_schema(name)
        with schema_of(name):
            ContentType.objects.create(app_label="later", model="thing")
            User.objects.create_user("alice@example.org")
            assert User.objects.count() == 1


@pytest.mark.parametrize(
    "slug", ["abc", "123", "1-2-3", "select", "user", "a-b-c-d-e", "w-w", "x" * 30, "z-template"]
)
def test_odd_but_legal_slugs_make_working_schemas(database: str, slug: str) -> None:
    with passing_schema(schema_name("workspace", slug)) as name:
        create_schema(name)
        with schema_of(name):
            User.objects.create_user("alice@example.org")
        with operator():
            assert not User.objects.filter(email="alice@example.org").exists()


def test_slugs_never_share_a_schema() -> None:
    slugs = ["a-b", "ab", "a-b-c", "ab-c", "a1", "template"]
    names = {schema_name(kind, slug) for kind in ("console", "workspace") for slug in slugs}
    assert len(names) == 2 * len(slugs)
    assert {kind_of(name) for name in names} == {"console", "workspace"}


def test_a_schema_is_made_once(database: str, acme) -> None:
    with schema_of(acme.console):
        User.objects.create_user("alice@example.org")
    with pytest.raises(SchemaExistsError, match="c_acme"):
        create_schema(acme.console)
    with schema_of(acme.console):
        assert User.objects.filter(email="alice@example.org").exists()


def test_a_dropped_schema_is_gone_and_dropping_it_again_is_quiet(database: str) -> None:
    with passing_schema("c_passing") as name:
        create_schema(name)
        assert schema_exists(name)
        drop_schema(name)
        drop_schema(name)
        assert not schema_exists(name)
        create_schema(name)


def test_what_is_kept_of_a_schema_outside_of_it_goes_with_it(database: str) -> None:
    with passing_schema("c_passing") as name:
        create_schema(name)
        for _turn in range(2):
            with schema_of(name):
                subject = Subject("log", name, name)
                events.record("demo.done", actor=SYSTEM, subject=subject)
                until(lambda: seal()[0], "The sealing", 60)
                work.enqueue("demo", "x", title="x")
                # A log of its own: that of before is no part of it.
                assert verify().is_proven
            assert (Mark.objects.get(schema=name).number, Due.objects.count()) == (1, 1)
            drop_schema(name)
            for model in (Mark, Due, Signal):
                assert not model.objects.filter(schema=name).exists()
            create_schema(name)


def test_a_tenant_whose_host_is_taken_leaves_no_schema(database: str, acme) -> None:
    with pytest.raises(IntegrityError):
        create_tenant(kind="console", slug="other", name="Other", host=acme.console_host)
    assert not schema_exists("c_other")
    assert not Tenant.objects.filter(slug="other").exists()


def test_a_new_schema_is_rolled_back_with_its_transaction(database: str) -> None:
    in_vain(
        lambda: create_tenant(
            kind="workspace", slug="never", name="Never", host="never.example.org"
        )
    )
    assert not schema_exists("w_never")


def test_a_missing_template_is_not_made_inside_a_transaction(database: str) -> None:
    SchemaTemplate.objects.filter(kind="console").update(fingerprint="an earlier release's")
    with transaction.atomic(), pytest.raises(TemplateError, match="migrate_fleet"):
        create_schema("c_early")
    assert not schema_exists("c_early")


def test_two_processes_make_the_template_once(database: str) -> None:
    SchemaTemplate.objects.filter(kind="console").delete()
    code = (
        "import django; django.setup();"
        "from apps.tenancy.templates import template_sql; print(len(template_sql('console')))"
    )
    started = [
        subprocess.Popen([sys.executable, "-c", code], cwd=_ROOT, stdout=subprocess.PIPE, text=True)
        for _number in range(2)
    ]
    said = [process.communicate(timeout=120)[0].split()[-1:] for process in started]
    assert said[0] == said[1] == [str(len(template_sql("console")))]
    assert SchemaTemplate.objects.filter(kind="console").count() == 1
    assert not schema_exists("c__template")


def test_no_migration_of_a_tenant_depends_on_an_app_of_the_operator() -> None:
    graph = MigrationLoader(None, ignore_no_migrations=True).graph
    for kind in ("console", "workspace"):
        own = app_labels(kind)
        for node in graph.nodes:
            if node[0] in own:
                needed = {label for label, _name in graph.forwards_plan(node)}
                assert needed <= own, node


def test_the_stack_of_one_isp_knows_no_app_of_the_operator() -> None:
    shared = {"apps.tenancy", "apps.work", "django_q"}
    of_the_operator = set(kinds.OPERATOR) - set(kinds.WORKSPACE) - shared
    installed = set(kinds.installed_apps(kinds.ISP))
    assert not installed & of_the_operator
    assert set(kinds.WORKSPACE) <= installed


@pytest.mark.skipif(os.geteuid() != 0, reason="Only root mounts a folder that cannot be removed.")
def test_a_schema_whose_files_cannot_be_removed_stays(
    db: None, tmp_path: Path, settings: Any
) -> None:
    settings.MEDIA_ROOT = tmp_path
    tenant = create_tenant(kind="console", slug="held", name="Held", host="held.dotmac.localhost")
    held = folder_of(tenant.schema_name) / "exports"
    held.mkdir(parents=True)
    subprocess.run(["mount", "-t", "tmpfs", "tmpfs", str(held)], check=True)
    try:
        with pytest.raises(OSError, match="exports"):
            drop_schema(tenant.schema_name)
        assert schema_exists(tenant.schema_name)
    finally:
        subprocess.run(["umount", str(held)], check=True)
    drop_schema(tenant.schema_name)
    assert not schema_exists(tenant.schema_name)
    assert not held.parent.exists()
