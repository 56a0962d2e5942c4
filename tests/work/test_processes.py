"""The real clock and the real worker, as `make up` runs them."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import psycopg
import pytest
from django.utils import timezone

from apps.events.actors import SYSTEM, Subject
from apps.events.models import Event
from apps.operations import services as operations
from apps.tenancy.kinds import schema_of
from apps.work.models import Due
from tests.operations.demo.pipelines import THINGS
from tests.operations.demo.world import World
from tests.operations.nursery import until

_ROOT = Path(__file__).resolve().parents[2]
_HOLDER = """
    SELECT a.application_name FROM pg_locks l JOIN pg_stat_activity a USING (pid)
    WHERE l.locktype = 'advisory' AND l.granted AND l.objid = 218611980
      AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
"""
Manage = Callable[..., subprocess.Popen[bytes]]


@pytest.fixture
def manage(swept_database: str, tmp_path: Path) -> Iterator[Manage]:
    """Start a management command; all are ended after the test."""
    running: list[subprocess.Popen[bytes]] = []

    def start(command: str, name: str = "", **extra: str) -> subprocess.Popen[bytes]:
        log = (tmp_path / f"{name or command}.log").open("wb")
        environment = {
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "tests.work.settings",
            "PYTHONPATH": str(_ROOT),
            "DEMO_WORLD": str(tmp_path),
            "PGAPPNAME": name,
            **extra,
        }
        running.append(
            subprocess.Popen(
                [sys.executable, "manage.py", command],
                cwd=_ROOT,
                env=environment,
                stdout=log,
                stderr=log,
            )
        )
        return running[-1]

    yield start
    for process in running:
        process.send_signal(signal.SIGTERM)
    for process in running:
        process.wait(30)


def holders(url: str) -> list[str]:
    """The clocks that hold the lock of the one clock."""
    with psycopg.connect(url) as session:
        return [row[0] for row in session.execute(_HOLDER)]


def test_of_two_clocks_one_works_and_the_other_takes_over(
    manage: Manage, swept_database: str, acme
) -> None:
    clocks = {name: manage("clock", name) for name in ("first", "second")}
    until(lambda: holders(swept_database), "A clock's start", 60)
    (working,) = holders(swept_database)
    _assert_the_clock_wakes("1")
    clocks[working].send_signal(signal.SIGKILL)
    (other,) = set(clocks) - {working}
    until(lambda: holders(swept_database) == [other], "The take-over", 60)
    _assert_the_clock_wakes("2")
    clocks[other].send_signal(signal.SIGTERM)
    assert clocks[other].wait(30) == 0


def _assert_the_clock_wakes(subject: str) -> None:
    now = timezone.now()
    row = Due.objects.create(
        schema="c_acme", kind="errand", subject=subject, title="Errand", due_at=now, created_at=now
    )
    woken = Due.objects.filter(pk=row.pk, woken_at__isnull=False)
    until(woken.exists, "The wake-up", 60)


def test_a_clock_goes_on_when_its_session_is_ended(manage: Manage, swept_database: str) -> None:
    manage("clock", "only")
    until(lambda: holders(swept_database), "The clock's start", 60)
    with psycopg.connect(swept_database, autocommit=True) as session:
        session.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'only'"
        )
    until(lambda: holders(swept_database) == ["only"], "The clock's return", 60)
    _assert_the_clock_wakes("1")


def test_beats_that_fail_or_hang_do_not_stop_the_others(manage: Manage, tmp_path: Path) -> None:
    manage("clock", "clock", DEMO_BAD_BEATS="yes")
    beats = tmp_path / "beats"
    until(lambda: beats.exists() and len(beats.read_text()) >= 2, "The beat after the bad", 60)


def test_a_worker_and_a_clock_carry_operations_to_their_end(
    manage: Manage, swept_database: str, tmp_path: Path, acme
) -> None:
    manage("qcluster", "worker")
    manage("clock", "clock")
    with schema_of(acme.console):
        built = operations.start("demo.build", subject=Subject("demo", "mast"), actor=SYSTEM)
        # One whose worker died earlier: the clock reaps and wakes it.
        left = operations.start("demo.fail", subject=Subject("demo", "ruin"), actor=SYSTEM)
    Due.objects.filter(subject=str(left.uuid)).update(
        state="running", epoch=3, lease_until=timezone.now() - timedelta(minutes=1)
    )
    with schema_of(acme.console):
        for operation in (built, left):
            until(lambda one=operation: _has_ended(one), "The end", 90)
        assert (built.status, left.status) == ("succeeded", "failed")
        sealed = Event.objects.filter(seal_no__isnull=False, type="operation.succeeded")
        until(sealed.exists, "The sealing", 30)
    assert World(tmp_path, "mast").things() == sorted(THINGS)
    assert World(tmp_path, "ruin").things() == []


def _has_ended(operation: operations.Operation) -> bool:
    operation.refresh_from_db()
    return not operation.is_active
