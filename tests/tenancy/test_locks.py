"""A lock of the database is given back, whatever becomes of the connection that held it."""

from collections.abc import Iterator

import psycopg
import pytest
from django.db import connection

from apps.tenancy.locks import held_alone

LOCK = 0x7E57


@pytest.fixture
def pooled(live_database: str) -> Iterator[str]:
    """A database whose connections come from a pool, as where pages are served."""
    settings, options = connection.settings_dict, connection.settings_dict["OPTIONS"]
    connection.close()
    kept, settings["CONN_MAX_AGE"] = settings["CONN_MAX_AGE"], 0
    options["pool"] = {"min_size": 1, "max_size": 2, "timeout": 5}
    try:
        yield live_database
    finally:
        connection.close()
        connection.close_pool()  # type: ignore[attr-defined]
        settings["CONN_MAX_AGE"] = kept
        del options["pool"]


def is_free(url: str) -> bool:
    with psycopg.connect(url, autocommit=True) as other:
        row = other.execute("SELECT pg_try_advisory_lock(%s)", [LOCK]).fetchone()
        return bool(row and row[0])


def test_nobody_else_has_it_meanwhile(live_database: str) -> None:
    with held_alone(LOCK):
        assert not is_free(live_database)
    assert is_free(live_database)


def test_a_connection_that_goes_back_to_its_pool_leaves_the_lock(pooled: str) -> None:
    with held_alone(LOCK):
        assert not is_free(pooled)
    assert is_free(pooled)


def test_it_is_free_after_an_error(pooled: str) -> None:
    with pytest.raises(ZeroDivisionError), held_alone(LOCK):
        raise ZeroDivisionError
    assert is_free(pooled)


def test_an_ended_session_does_not_hide_the_error_of_the_work(live_database: str) -> None:
    with pytest.raises(ZeroDivisionError), held_alone(LOCK):
        fail_after_its_session(live_database)
    assert is_free(live_database)


def fail_after_its_session(url: str) -> None:
    end = "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory'"
    with psycopg.connect(url) as other:
        other.execute(f"{end} AND objid = %s", [LOCK])
    raise ZeroDivisionError
