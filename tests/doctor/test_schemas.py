"""What is wrong with schemas is named: tables, owners, spares, releases."""

from collections.abc import Callable

from django.db import connection
from django.test import Client
from django.utils import timezone

from apps.core.health import mends_of
from apps.tenancy.kinds import schema_exists
from apps.tenancy.models import FailedMigration, SpareSchema, Tenant
from apps.tenancy.shapes import differences
from apps.tenancy.spares import fill_spares
from apps.tenancy.templates import create_schema
from tests.conftest import Isp
from tests.doctor.conftest import Look


def run(statement: str) -> None:
    """By hand, past this software."""
    with connection.cursor() as cursor:
        cursor.execute(statement)


def test_schemas_that_are_whole_are_well(look_at: Look) -> None:
    assert look_at("schemas.tables") == []
    assert look_at("schemas.migrations") == []
    assert look_at("schemas.owners") == []


def test_a_table_that_was_dropped_is_named_with_its_schema(
    look_at: Look, acme: Isp, initech: Isp
) -> None:
    run(f"DROP TABLE {acme.workspace}.subscribers_subscriber CASCADE")
    (found,) = look_at("schemas.tables")
    assert (found.status, found.values["table"]) == ("problem", "subscribers_subscriber")
    assert acme.workspace in found.said
    # The other tenant's pages go on.
    page = Client(headers={"host": initech.workspace_host}).get("/accounts/login/")
    assert page.status_code == 200


def test_a_column_that_was_dropped_or_changed_is_named(look_at: Look, acme: Isp) -> None:
    run(f"ALTER TABLE {acme.console}.events_event DROP COLUMN ip CASCADE")
    run(f"ALTER TABLE {acme.console}.webhooks_endpoint ALTER COLUMN description TYPE text")
    found = {one.values["table"]: one.values["columns"] for one in look_at("schemas.tables")}
    assert found == {"events_event": "ip", "webhooks_endpoint": "description"}


def test_a_further_column_is_nobody_s_fault(look_at: Look, acme: Isp) -> None:
    run(f"ALTER TABLE {acme.console}.events_event ADD COLUMN of_the_next_release int")
    assert look_at("schemas.tables") == []


def test_a_table_of_the_operator_is_missed_too(look_at: Look) -> None:
    run("DROP TABLE public.tenants_usagereport CASCADE")
    assert [one.values["schema"] for one in look_at("schemas.tables")] == ["public"]


def test_many_schemas_are_compared_by_a_handful_of_queries(
    operator_schema: None, django_assert_max_num_queries: Callable
) -> None:
    names = [f"c_many{number}" for number in range(20)]
    for name in names:
        create_schema(name)
    run("DROP TABLE c_many9.events_cursor")
    with django_assert_max_num_queries(20):
        found = [str(one) for one in differences(names)]
    assert found == ["c_many9.events_cursor"]


def test_a_schema_of_nobody_and_a_tenant_of_none_are_named(look_at: Look) -> None:
    create_schema("c_stray")
    Tenant.objects.create(schema_name="w_lost", kind="workspace", slug="lost", name="Lost")
    found = {one.status: one.said for one in look_at("schemas.owners")}
    assert "c_stray" in found["warning"]
    assert "w_lost" in found["problem"]


def test_what_was_kept_aside_of_a_tenant_is_that_tenant_s(look_at: Look, acme: Isp) -> None:
    run(f"CREATE SCHEMA {acme.workspace}__lost")
    run("CREATE SCHEMA w_gone__lost")
    (found,) = look_at("schemas.owners")
    assert found.values["names"] == "w_gone__lost"


def test_lost_spares_are_found_and_put_right(look_at: Look, settings) -> None:
    settings.SPARE_SCHEMAS = 0
    create_schema("c__spare_lost")
    SpareSchema.objects.create(name="w__spare_gone", kind="workspace", fingerprint="x")
    (first, *_rest) = look_at("schemas.spares")
    assert "c__spare_lost" in first.said
    assert "w__spare_gone" in first.said
    (mend,) = mends_of("schemas.spares")
    assert mend.run() == 2
    assert look_at("schemas.spares") == []
    assert not schema_exists("c__spare_lost")


def test_spares_that_are_missing_are_told(look_at: Look, settings) -> None:
    settings.SPARE_SCHEMAS = 1
    (found,) = look_at("schemas.spares")
    assert found.status == "warning"
    assert fill_spares() == 2
    assert look_at("schemas.spares") == []


def test_a_release_that_is_not_everywhere_is_a_problem(look_at: Look, acme: Isp) -> None:
    run(f"DELETE FROM {acme.workspace}.django_migrations WHERE app = 'subscribers'")
    run("DELETE FROM public.django_migrations WHERE app = 'fleet'")
    FailedMigration.objects.create(
        schema=acme.workspace, error="column exists", failed_at=timezone.now()
    )
    texts = " ".join(one.said for one in look_at("schemas.migrations"))
    assert acme.workspace in texts
    assert "fleet.0001_initial" in texts
    assert "could not be migrated" in texts
