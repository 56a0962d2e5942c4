"""Schemas made ahead: named like a tenant's they are as good as new ones, and none is lost."""

import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from django.db import connection, transaction

from apps.accounts.models import User
from apps.tenancy import spares
from apps.tenancy.kinds import operator, schema_exists, schema_of
from apps.tenancy.models import SpareSchema, Tenant
from apps.tenancy.services import create_tenant
from apps.tenancy.spares import fill_spares, missing_spares, take_spare
from apps.tenancy.templates import create_schema, drop_schema, template_schema
from apps.tenants.ticks import _spares
from apps.work.jobs import run
from apps.work.models import Due
from tests.live import in_vain, module_database
from tests.tenancy.test_schemas import catalogue, passing_schema, rows

__all__ = ["module_database"]
_ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def database(module_database: str, settings) -> Iterator[str]:
    """The module's database, without spares before and after."""
    settings.SPARE_SCHEMAS = 1
    connection.set_schema_to_public()
    yield module_database
    connection.set_schema_to_public()
    for name in lying_about():
        drop_schema(name)
    SpareSchema.objects.all().delete()


def lying_about() -> set[str]:
    """The spare schemas that are there, with a row or without."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT nspname FROM pg_namespace WHERE nspname LIKE '%%\\_\\_spare\\_%%'")
        return {name for (name,) in cursor.fetchall()}


def known() -> set[str]:
    return set(SpareSchema.objects.values_list("name", flat=True))


@pytest.mark.parametrize("kind", ["console", "workspace"])
def test_a_named_spare_is_the_same_as_a_new_schema(database: str, kind: str) -> None:
    fill_spares()
    named, new = f"{kind[0]}_named", f"{kind[0]}_new"
    with passing_schema(named), passing_schema(new):
        assert take_spare(named)
        create_schema(new)
        assert rows(named) == rows(new)
        assert catalogue(named) == catalogue(new)
        with schema_of(named):
            User.objects.create_user("alice@example.org")


@pytest.mark.parametrize("kind", ["console", "workspace"])
def test_no_function_in_a_schema_names_it(database: str, kind: str) -> None:
    """Renaming a schema leaves the texts of its functions alone."""
    name = f"{kind[0]}_texts"
    with passing_schema(name), connection.cursor() as cursor:
        create_schema(name)
        cursor.execute(
            "SELECT proname, prosrc FROM pg_proc WHERE pronamespace = %s::regnamespace", [name]
        )
        for function, text in cursor.fetchall():
            assert name not in text, function
            assert template_schema(kind) not in text, function


def test_a_tenant_takes_a_spare_and_another_one_is_wanted(database: str) -> None:
    assert (missing_spares(), fill_spares(), missing_spares()) == (2, 2, 0)
    with passing_schema("w_taker"):
        create_tenant(kind="workspace", slug="taker", name="Taker", host="taker.example.org")
        assert schema_exists("w_taker")
        assert {name[0] for name in known()} == {"c"}
        assert missing_spares() == 1
        Tenant.objects.filter(slug="taker").delete()


def test_without_spares_a_tenant_is_made_as_before(database: str) -> None:
    with passing_schema("w_early"):
        create_tenant(kind="workspace", slug="early", name="Early", host="early.example.org")
        assert schema_exists("w_early")
        Tenant.objects.filter(slug="early").delete()


def test_a_sign_up_that_fails_gives_its_spare_back(database: str) -> None:
    fill_spares()
    before = known()
    in_vain(
        lambda: create_tenant(
            kind="workspace", slug="never", name="Never", host="never.example.org"
        )
    )
    assert known() == before == lying_about()
    assert not schema_exists("w_never")


def test_two_at_once_take_two(database: str, settings) -> None:
    settings.SPARE_SCHEMAS = 2
    fill_spares()
    with passing_schema("w_first"), passing_schema("w_second"), psycopg.connect(database) as other:
        # Somebody else is about to take the first.
        other.execute(
            'DELETE FROM "public"."tenancy_spareschema" WHERE id ='
            ' (SELECT min(id) FROM "public"."tenancy_spareschema" WHERE kind = \'workspace\')'
        )
        assert take_spare("w_second")
        assert not take_spare("w_first")
        other.rollback()
        assert take_spare("w_first")


def test_spares_of_another_release_are_replaced(database: str) -> None:
    fill_spares()
    old = known()
    SpareSchema.objects.update(fingerprint="another release's")
    assert not take_spare("w_wrong")
    assert missing_spares() == 4
    assert fill_spares() == 2
    assert not known() & old
    assert known() == lying_about()


def test_a_spare_that_was_dropped_by_hand_costs_nothing(database: str) -> None:
    fill_spares()
    for name in lying_about():
        drop_schema(name)
    with passing_schema("c_after"):
        assert not take_spare("c_after")
        assert missing_spares() == 1


def test_a_maker_killed_in_the_middle_leaves_no_schema_without_its_row(database: str) -> None:
    code = (
        "import django; django.setup();"
        "from django.conf import settings; settings.SPARE_SCHEMAS = 20;"
        "from apps.tenancy.spares import fill_spares; print('at it', flush=True); fill_spares()"
    )
    maker = subprocess.Popen([sys.executable, "-c", code], cwd=_ROOT, stdout=subprocess.PIPE)
    assert maker.stdout is not None
    assert maker.stdout.readline() == b"at it\n"
    while not known():
        time.sleep(0.01)
    time.sleep(0.1)
    maker.kill()
    assert maker.wait() == -9
    end = time.monotonic() + 20
    while lying_about() != known() and time.monotonic() < end:
        # The server notices the end of the session by itself.
        time.sleep(0.1)
    assert lying_about() == known()
    spares.fill_spares()
    assert missing_spares() == 0


def test_the_clock_calls_a_worker_once_for_what_is_missing(database: str, run_all) -> None:
    with operator():
        assert _spares() == 2
        assert _spares() == 2
        assert Due.objects.filter(kind="tenants.spares").count() == 1
    run_all()
    assert missing_spares() == 0
    with operator(), transaction.atomic():
        assert _spares() == 0


@pytest.fixture
def run_all():
    """Run the work that is due here and now."""

    def all_of_it() -> None:
        with operator():
            for due in Due.objects.filter(kind="tenants.spares"):
                run(str(due.pk))

    return all_of_it
