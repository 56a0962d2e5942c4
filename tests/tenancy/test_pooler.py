"""Behind PgBouncer by session all that belongs to a session holds; by transaction the doctor says.

PgBouncer is set up as docs/guides/install.md says.
"""

import asyncio
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager

import psycopg
import pytest
from channels.db import database_sync_to_async
from django.conf import settings
from django.db import connection, connections

from apps.accounts.models import User
from apps.doctor.looking import chosen, look
from apps.tenancy import live
from apps.tenancy.kinds import schema_exists, schema_of
from apps.tenancy.locks import held_alone
from apps.tenancy.prepared import fetch_prepared
from apps.tenancy.templates import _dump, create_schema, drop_schema
from tests.conftest import ACME, INITECH
from tests.live_platform import until
from tests.pgbouncer import Bouncer, bouncer

LOCK = 0x7E58
_LENDS = "A pooler lends session"
_COUNT = "SELECT count(*) FROM accounts_user WHERE email LIKE %s"
_LOCK_AND_SAY = """
import sys, time, psycopg
line = psycopg.connect(sys.argv[1], autocommit=True)
line.execute("SELECT pg_advisory_lock(%s)", [int(sys.argv[2])])
print("held", flush=True)
time.sleep(600)
"""
Open = Callable[[], AbstractContextManager[str]]


@contextmanager
def through(between: Bouncer) -> Iterator[None]:
    """Django's connections go by the pooler."""
    database = settings.DATABASES["default"]
    before = database["PORT"]
    connections.close_all()
    database["PORT"] = connection.settings_dict["PORT"] = between.port
    try:
        yield
    finally:
        connections.close_all()
        database["PORT"] = connection.settings_dict["PORT"] = before


@pytest.fixture(scope="module")
def server(open_live_database: Open) -> Iterator[str]:
    """The address of PostgreSQL itself; two people at Acme, one at Initech."""
    with open_live_database() as url:
        for isp, count in ((ACME, 2), (INITECH, 1)):
            with schema_of(isp.workspace):
                for number in range(count):
                    User.objects.create_user(f"p{number}@{isp.slug}.example")
        connection.close()
        yield url


@pytest.fixture(scope="module")
def kept(server: str) -> Iterator[Bouncer]:
    """One PgBouncer for the module."""
    with bouncer(server) as made:
        yield made


@pytest.fixture
def between(kept: Bouncer) -> Iterator[Bouncer]:
    """What stands between Django and the server."""
    with through(kept):
        yield kept


def in_session(between: Bouncer, pid: int) -> psycopg.Connection:
    """A new client that was lent this very session of the server."""

    def lent() -> psycopg.Connection | None:
        line = psycopg.connect(between.url, autocommit=True)
        if _value(line, "SELECT pg_backend_pid()") == pid:
            return line
        line.close()
        return None

    found = until(lent, what="The same session")
    assert isinstance(found, psycopg.Connection)
    return found


def _value(line: psycopg.Connection, statement: str) -> object:
    row = line.execute(statement).fetchone()  # type: ignore[call-overload]
    assert row is not None
    return row[0]


def test_whoever_comes_next_finds_nothing_of_the_one_before(between: Bouncer) -> None:
    with psycopg.connect(between.url, autocommit=True) as line:
        pid = int(str(_value(line, "SELECT pg_backend_pid()")))
        line.execute(f"SET search_path = {ACME.workspace}")
        line.execute("SET statement_timeout = 7000")
        line.execute("SET ROLE pg_monitor")
        line.execute("PREPARE left_behind AS SELECT 1")
        line.execute("CREATE TEMPORARY TABLE left_behind (said text)")
        line.execute("LISTEN left_behind")
        line.execute("SELECT pg_advisory_lock(%s)", [LOCK])
    with in_session(between, pid) as line:
        assert _value(line, "SHOW search_path") == '"$user", public'
        assert _value(line, "SHOW statement_timeout") == "0"
        assert _value(line, "SELECT current_user = session_user") is True
        assert _value(line, "SELECT count(*) FROM pg_prepared_statements") == 0
        assert _value(line, "SELECT to_regclass('left_behind')") is None
        assert _value(line, "SELECT count(*) FROM pg_listening_channels()") == 0
        assert _value(line, f"SELECT pg_try_advisory_lock({LOCK})") is True


def test_tenants_that_share_few_sessions_see_their_own_rows(server: str) -> None:
    wanted = {ACME.workspace: 2, INITECH.workspace: 1}

    def visit(number: int) -> tuple[str, str, int]:
        schema = (ACME.workspace, INITECH.workspace)[number % 2]
        try:
            with schema_of(schema), connection.cursor() as cursor:
                cursor.execute("SELECT current_schema()")
                return schema, cursor.fetchone()[0], User.objects.count()
        finally:
            # As at the end of a request without a pool.
            connection.close()

    with (
        bouncer(server, size=3) as narrow,
        through(narrow),
        ThreadPoolExecutor(8) as threads,
    ):
        for asked, answered, count in threads.map(visit, range(200)):
            assert (answered, count) == (asked, wanted[asked])


def test_prepared_statements_mean_the_present_schema(between: Bouncer) -> None:
    for turn in range(3):
        for isp, count in ((ACME, 2), (INITECH, 1)):
            with schema_of(isp.workspace):
                assert fetch_prepared(_COUNT, ["p%"]) == (count,)
        if turn == 1:
            between.stop()
            between.start()
            connection.close()


def is_free(url: str) -> bool:
    with psycopg.connect(url, autocommit=True) as other:
        return _value(other, f"SELECT pg_try_advisory_lock({LOCK})") is True


def test_a_lock_is_held_and_given_back(between: Bouncer, server: str) -> None:
    with held_alone(LOCK):
        assert not is_free(server)
        assert not is_free(between.url)
    until(lambda: is_free(server), what="The lock's return")


def test_a_killed_process_leaves_its_lock(between: Bouncer, server: str) -> None:
    command = [sys.executable, "-c", _LOCK_AND_SAY, between.url, str(LOCK)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        assert not is_free(server)
        holder.kill()
    until(lambda: is_free(server), what="The lock's return")


def test_news_come_and_come_again_after_a_restart_of_the_pooler(
    between: Bouncer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "_RETRY_S", 0.05)

    @database_sync_to_async
    def tell() -> None:
        with schema_of(ACME.console):
            live.announce("topic")
        connection.close()

    async def heard(news: asyncio.Event) -> None:
        await asyncio.wait_for(news.wait(), 10)
        news.clear()

    async def scene() -> None:
        listener = live.Listener()
        news = listener.watch((ACME.console, "topic"))
        await heard(news)
        await tell()
        await heard(news)
        between.stop()
        between.start()
        # It says so itself when it listens again, since a note may have been missed.
        await heard(news)
        await tell()
        await heard(news)

    asyncio.run(scene())


def test_schemas_are_dumped_and_made_through_it(between: Bouncer) -> None:
    assert "accounts_user" in _dump(ACME.workspace)
    create_schema("w_pooled")
    try:
        with schema_of("w_pooled"):
            assert User.objects.count() == 0
    finally:
        drop_schema("w_pooled")
    assert not schema_exists("w_pooled")


def found() -> list[str]:
    (check,) = chosen(["database.pooler"])
    return [one.said[:22] for one in look(check).findings]


def test_the_doctor_is_content_with_sessions_of_ones_own(between: Bouncer) -> None:
    assert found() == []


@pytest.mark.parametrize("mode", ["transaction", "statement"])
def test_the_doctor_tells_of_sessions_that_are_lent(server: str, mode: str) -> None:
    with bouncer(server, mode=mode) as lending, through(lending):
        assert found() == [_LENDS]


def test_the_doctor_tells_of_it_while_the_pooler_is_busy(server: str) -> None:
    command = "SELECT pg_sleep(0.002)"
    over = []

    def keep_busy(url: str) -> None:
        with psycopg.connect(url, autocommit=True) as line:
            while not over:
                line.execute(command)

    with (
        bouncer(server, mode="transaction") as lending,
        through(lending),
        ThreadPoolExecutor(6) as threads,
    ):
        for _caller in range(6):
            threads.submit(keep_busy, lending.url)
        try:
            assert [found() for _turn in range(5)] == [[_LENDS]] * 5
        finally:
            over.append(True)
