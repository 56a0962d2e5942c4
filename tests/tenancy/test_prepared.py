"""A statement that the server keeps prepared, in whichever schema it runs."""

from typing import Any

import pytest
from django.db import ProgrammingError, connection, transaction

from apps.tenancy.kinds import schema_of
from apps.tenancy.prepared import fetch_prepared
from tests.conftest import Isp

_TABLE = "CREATE TABLE prepared_here (said text)"
_SAY = "INSERT INTO prepared_here (said) VALUES (%s) RETURNING said"


@pytest.mark.django_db
def test_it_means_the_present_schema_each_time(acme: Isp, initech: Isp) -> None:
    for isp in (acme, initech):
        with schema_of(isp.console), connection.cursor() as cursor:
            cursor.execute(_TABLE)
    for isp in (acme, initech, acme):
        with schema_of(isp.console):
            assert fetch_prepared(_SAY, [isp.console]) == (isp.console,)
    for isp, times in ((acme, 2), (initech, 1)):
        with schema_of(isp.console), connection.cursor() as cursor:
            cursor.execute("SELECT said FROM prepared_here")
            assert cursor.fetchall() == [(isp.console,)] * times


@pytest.mark.django_db
def test_it_outlives_a_change_of_its_table(acme: Isp) -> None:
    with schema_of(acme.console), connection.cursor() as cursor:
        cursor.execute(_TABLE)
        assert fetch_prepared(_SAY, ["before"]) == ("before",)
        cursor.execute("ALTER TABLE prepared_here ADD COLUMN more integer DEFAULT 7")
        assert fetch_prepared(_SAY, ["after"]) == ("after",)


@pytest.mark.django_db
def test_it_is_kept_by_the_server(acme: Isp) -> None:
    with schema_of(acme.console), connection.cursor() as cursor:
        cursor.execute(_TABLE)
        fetch_prepared(_SAY, ["x"])
        cursor.execute("SELECT count(*) FROM pg_prepared_statements WHERE statement LIKE '%here%'")
        assert cursor.fetchone() == (1,)


@pytest.mark.django_db
def test_its_errors_are_djangos_and_the_connection_goes_on(acme: Isp) -> None:
    with schema_of(acme.console):
        with pytest.raises(ProgrammingError), transaction.atomic():
            fetch_prepared("INSERT INTO nowhere (said) VALUES (%s) RETURNING said", ["x"])
        assert fetch_prepared("SELECT %s::text", ["on"]) == ("on",)


@pytest.mark.django_db
def test_who_counts_queries_is_told_of_it(acme: Isp) -> None:
    told: list[str] = []

    def count(run: Any, statement: str, values: Any, many: bool, context: Any) -> Any:
        told.append(statement)
        return run(statement, values, many, context)

    with schema_of(acme.console), connection.execute_wrapper(count):
        fetch_prepared("SELECT %s::text", ["on"])
    assert told[-1:] == ["SELECT %s::text"]
