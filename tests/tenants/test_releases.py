"""The operator brings all tenants to a release from a page."""

from collections.abc import Iterator

import pytest
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder
from django.test import Client

from apps.accounts.models import User
from apps.operations.models import Operation
from apps.tenancy.kinds import schema_of
from apps.tenancy.models import FailedMigration
from apps.tenants.migrating import release_now
from apps.work.jobs import run
from apps.work.models import Due
from tests.live import module_database

__all__ = ["module_database"]
_OLD = ("admin", "0003_logentry_add_action_flag_choices")


@pytest.fixture
def olga(module_database: str) -> Iterator[Client]:
    """The owner of the platform, at her browser."""
    connection.set_schema_to_public()
    user = User.objects.create_superuser("olga@example.org", "a-long-passphrase")
    client = Client(headers={"host": "dotmac.localhost"})
    client.force_login(user)
    yield client
    connection.set_schema_to_public()
    user.delete()


def test_a_tenant_that_is_behind_is_shown_and_migrated(olga: Client, initech) -> None:
    page = olga.get("/admin/tenancy/failedmigration/all/")
    assert "Every tenant is at this release." in page.text
    with schema_of(initech.console):
        MigrationRecorder(connection).record_unapplied(*_OLD)
    page = olga.get("/admin/tenancy/failedmigration/all/")
    assert "1 tenant lacks a change" in page.text
    answer = olga.post("/admin/tenancy/failedmigration/all/")
    operation = Operation.objects.latest("created_at")
    assert answer.url.endswith(f"/{operation.uuid}/")
    busy = olga.post("/admin/tenancy/failedmigration/all/", follow=True)
    assert "is under way since" in busy.text
    run(str(Due.objects.get(subject=operation.uuid).pk))
    connection.set_schema_to_public()
    operation.refresh_from_db()
    assert operation.status == Operation.Status.SUCCEEDED
    assert release_now().behind == 0


def test_what_failed_is_named_on_its_page(olga: Client, initech) -> None:
    FailedMigration.objects.create(
        schema=initech.console, error="column exists already", failed_at="2026-01-01T00:00Z"
    )
    page = olga.get("/admin/tenancy/failedmigration/")
    assert "column exists already" in page.text
    FailedMigration.objects.all().delete()


def test_a_run_with_a_tenant_that_fails_names_it_and_can_be_repeated(olga: Client, initech) -> None:
    with schema_of(initech.console), connection.cursor() as cursor:
        cursor.execute("ALTER TABLE django_migrations RENAME TO gone")
    try:
        olga.post("/admin/tenancy/failedmigration/all/")
        operation = Operation.objects.latest("created_at")
        run(str(Due.objects.get(subject=operation.uuid).pk))
        connection.set_schema_to_public()
        page = olga.get(f"/operations/{operation.uuid}/", follow=True)
        assert "1 of 1 tenants were not migrated" in page.text
        assert f"{initech.console}: " in page.text
        assert FailedMigration.objects.get().schema == initech.console
    finally:
        with schema_of(initech.console), connection.cursor() as cursor:
            cursor.execute("ALTER TABLE gone RENAME TO django_migrations")
    olga.post(f"/operations/{operation.uuid}/retry/")
    again = Operation.objects.latest("created_at")
    run(str(Due.objects.get(subject=again.uuid).pk))
    connection.set_schema_to_public()
    assert not FailedMigration.objects.exists()
