"""What is wrong with the database server and the settings is named."""

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
import pytest
from django.db import connection

from tests.doctor.conftest import Look


@contextmanager
def session() -> Iterator[psycopg.Connection]:
    """Somebody else's, on the same database."""
    db = connection.get_connection_params()
    names = ("host", "port", "user", "password", "dbname")
    with psycopg.connect(**{one: db[one] for one in names if db.get(one)}) as opened:
        yield opened


def test_a_server_that_is_well_is_well(look_at: Look) -> None:
    names = ("server", "writable", "connections", "age", "slots")
    assert [one for name in names for one in look_at(f"database.{name}")] == []
    assert look_at("clock.database") == []


def test_a_read_only_database_is_a_problem(look_at: Look) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL default_transaction_read_only = on")
    assert [one.status for one in look_at("database.writable")] == ["problem"]


def test_a_transaction_that_does_not_end_is_named_by_its_pid(
    look_at: Look, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("apps.tenancy.checkups.sessions._LONG_S", 0)
    with session() as other:
        other.execute("SELECT 1")
        found = {one.values["pid"]: one for one in look_at("database.transactions")}
        assert other.info.backend_pid in found
        assert "idle in transaction" in found[other.info.backend_pid].said


def test_too_few_connections_are_told(look_at: Look, settings) -> None:
    settings.Q_CLUSTER = {**settings.Q_CLUSTER, "workers": 500}
    assert look_at("database.connections")[0].status == "problem"


def test_a_replication_slot_that_nobody_reads_holds_wal(
    look_at: Look, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = ("left", False, "extended", 20 * 1024**3)
    monkeypatch.setattr("apps.tenancy.checkups.server._rows", lambda _statement: [row])
    (found,) = look_at("database.slots")
    assert found.status == "problem"
    assert "pg_drop_replication_slot('left')" in found.advised


def test_settings_that_are_unsafe_are_named(look_at: Look, settings) -> None:
    settings.SECRET_KEY = "insecure-everybody-knows-it"
    settings.SECRET_KEY_FALLBACKS = ["old"]
    assert [one.status for one in look_at("settings.secrets")] == ["problem", "warning"]
    settings.DEBUG, settings.DEVELOPMENT, settings.PLATFORM_SCHEME = True, False, "http"
    settings.ALLAUTH_TRUSTED_PROXY_COUNT = 1
    assert {one.status for one in look_at("settings.serving")} == {"problem"}
    for one in (*look_at("settings.secrets"), *look_at("settings.serving")):
        assert settings.SECRET_KEY not in one.said + one.advised


def test_a_server_without_a_mail_server_is_not_called_well(look_at: Look, settings) -> None:
    assert look_at("mail.server") == []
    for backend in ("apps.core.mailbox.NoServerBackend", settings.MAILBOX):
        settings.EMAIL_BACKEND = backend
        assert [one.status for one in look_at("mail.server")] == ["warning"]
        assert "No mail server is set" in look_at("mail.server")[0].said


def test_a_check_that_breaks_says_so_and_keeps_no_other_from_its_turn(
    look_at: Look, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken() -> int:
        raise ValueError("out of order")

    monkeypatch.setattr("apps.tenancy.checkups.schemas.missing_spares", broken)
    (found,) = look_at("schemas.spares")
    assert found.status == "problem"
    assert "ValueError: out of order" in found.said
    assert look_at("schemas.owners") == []


def test_time_zones_that_the_database_does_not_know_are_named(
    look_at: Look, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert look_at("database.zones") == []
    newer = (("Europe/Stockholm", "Europe/Stockholm"), ("Mars/Olympus", "Mars/Olympus"))
    monkeypatch.setattr("apps.tenancy.checkups.server.time_zones", lambda: newer)
    (found,) = look_at("database.zones")
    assert found.status == "problem"
    assert "Mars/Olympus" in found.said
    assert "Stockholm" not in found.said
