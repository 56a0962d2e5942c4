"""The real clock and the real worker, as `make up` runs them."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import psutil
import psycopg
import pytest
from django.conf import settings
from django.utils import timezone

from apps.backups.constants import LONGEST_S
from apps.events.actors import SYSTEM, Subject
from apps.events.models import Event
from apps.operations import services as operations
from apps.operations.pipelines import Step
from apps.tenancy.kinds import schema_of
from apps.work import services as work
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
    manage: Manage, swept_database: str, tmp_path: Path, acme
) -> None:
    clocks = {name: manage("clock", name, DEMO_DUTIES="yes") for name in ("first", "second")}
    until(lambda: holders(swept_database), "A clock's start", 60)
    (working,) = holders(swept_database)
    _assert_the_clock_wakes("1")
    until((tmp_path / "duties").exists, "A duty", 60)
    clocks[working].send_signal(signal.SIGKILL)
    (other,) = set(clocks) - {working}
    until(lambda: holders(swept_database) == [other], "The take-over", 60)
    _assert_the_clock_wakes("2")
    until(lambda: other in (tmp_path / "duties").read_text().split(), "Its duty", 60)
    clocks[other].send_signal(signal.SIGTERM)
    assert clocks[other].wait(30) == 0
    # Never both: what the first did lies before all that the second did.
    duties = (tmp_path / "duties").read_text().split()
    assert set(duties) == {working, other}
    assert duties == sorted(duties, key=[working, other].index)


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


def processes_of(cluster: subprocess.Popen[bytes]) -> list[psutil.Process]:
    """What its sentinel keeps, in the order in which they were started, once all are there."""
    top = psutil.Process(cluster.pid)

    def below() -> list[psutil.Process]:
        return [one for sentinel in top.children() for one in sentinel.children()]

    until(lambda: len(below()) == 4, "A cluster's processes", 60)
    return sorted(below(), key=psutil.Process.create_time)


@pytest.mark.parametrize("which", ["workers", "others"])
def test_killed_processes_of_a_cluster_end_it_and_the_next_one_works(
    manage: Manage, acme, which: str
) -> None:
    """Those that wait for work hold the locks of its queues; nobody would get them again."""
    cluster = manage("qcluster", "first")
    # The workers are started first, then the monitor and the pusher.
    children = processes_of(cluster)
    # By now they wait for work.
    time.sleep(1)
    doomed = children[:2] if which == "workers" else children[2:]
    for one in doomed:
        one.kill()
    assert cluster.wait(30) == 70
    assert not [one for one in children if one.is_running() and one.status() != "zombie"]
    # As whoever keeps it does.
    manage("qcluster", "second")
    with schema_of(acme.console):
        built = operations.start("demo.build", subject=Subject("demo", "mast"), actor=SYSTEM)
        until(lambda: _has_ended(built), "The end", 60)
        assert built.status == "succeeded"


def test_a_cluster_that_is_asked_to_end_ends_well(manage: Manage) -> None:
    cluster = manage("qcluster", "only")
    processes_of(cluster)
    cluster.send_signal(signal.SIGTERM)
    assert cluster.wait(30) == 0


def test_who_hangs_is_ended_and_who_said_how_long_it_takes_is_not(
    manage: Manage, tmp_path: Path, acme
) -> None:
    cluster = manage("qcluster", "only", WORKERS="1", WORK_SECONDS="4")
    manage("clock", "clock")
    with schema_of(acme.console):
        work.enqueue("demo.hang", "1", title="Hangs")
        until((tmp_path / "hang").exists, "The work that hangs", 120)
        hung = psutil.Process(int((tmp_path / "hang").read_text()))
        # Its only worker is the one that hangs.
        work.enqueue("demo.long", "2", title="Takes three times as long as any may")
    done = Due.objects.filter(kind__startswith="demo.", state="done")
    until(lambda: done.count() == 2, "The end of both", 120)
    assert not hung.is_running() or hung.status() == "zombie"
    assert len((tmp_path / "hang").read_text().split()) == 2
    assert len((tmp_path / "long").read_text().split()) == 1
    assert cluster.poll() is None


def test_the_queue_itself_ends_nobody_before_the_work_s_own_deadline() -> None:
    longest = max(LONGEST_S, *(step.deadline_s for step in _below(Step)))
    limit, cycle = settings.Q_CLUSTER["timeout"], settings.Q_CLUSTER["guard_cycle"]
    assert longest + 2 * settings.LEASE_SECONDS < limit < settings.Q_CLUSTER["retry"]
    # The library takes `cycle` off until exactly nothing is left; below it nobody is ended.
    assert (limit + 3) % cycle == 0


def _below(kind: type[Step]) -> list[type[Step]]:
    return [one for sub in kind.__subclasses__() for one in (sub, *_below(sub))]


def _has_ended(operation: operations.Operation) -> bool:
    operation.refresh_from_db()
    return not operation.is_active
