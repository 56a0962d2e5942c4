"""Large lists, and workers that do not live to see their end."""

import os
import subprocess
import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from django.core.files.base import ContentFile
from django.utils import timezone

from apps.events.actors import SYSTEM
from apps.events.models import Event
from apps.operations.models import Operation
from apps.subscribers import imports
from apps.subscribers.models import Service, Subscriber, SubscriberImport
from apps.tenancy.kinds import schema_of
from apps.work import services as work
from apps.work.exceptions import LeaseLostError
from apps.work.models import Due

from .conftest import HEADER, make_plan, rows

ALL = SubscriberImport.Mode.ALL_OR_NOTHING
ROOT = Path(__file__).parents[2]


def lose_lease_in(monkeypatch, name: str, batch: int) -> None:
    """Let the worker find out in a batch that another one took over."""
    real, calls = getattr(imports, name), []

    def cut_off(*args):
        calls.append(1)
        if len(calls) == batch:
            raise LeaseLostError("Another worker took over.")
        return real(*args)

    monkeypatch.setattr(imports, name, cut_off)


def hand_on() -> None:
    """What the reaper does with work whose worker is gone."""
    Due.objects.filter(state="running").update(lease_until=timezone.now() - timedelta(seconds=1))
    assert work.reap() == 1


def finish(source: SubscriberImport, work_off: Callable[[], int]) -> list[int]:
    """Have other workers go on until it is over; returns what memory each took.

    On a machine that stands still for seconds one of them may lose its lease too.
    """
    peaks = []
    source.refresh_from_db()
    while source.status == "importing":
        hand_on()
        peaks.append(work_off())
        source.refresh_from_db()
    return peaks


def large_list(count: int) -> ContentFile:
    """A list that is checked as an operation, since it is long."""
    return ContentFile(f"{HEADER}\n{rows(count)}\n".encode(), name="large.csv")


def test_a_worker_that_loses_its_lease_while_writing_doubles_nothing(bring, run_due, monkeypatch):
    source = bring(rows(1800))
    imports.start_import(source, mode=ALL, actor=SYSTEM)
    with monkeypatch.context() as patch:
        lose_lease_in(patch, "write_batch", 3)
        assert "lease lost" in run_due()
    source.refresh_from_db()
    assert (source.status, source.created_rows, source.written_row) == ("importing", 1000, 1001)
    hand_on()
    run_due()
    source.refresh_from_db()
    assert (source.status, source.created_rows) == ("imported", 1800)
    assert Subscriber.objects.count() == Service.objects.count() == 1800


def test_a_worker_that_loses_its_lease_while_checking_forgets_no_row(
    workspace, run_due, monkeypatch
):
    source = imports.receive_file(large_list(3000), actor=SYSTEM)
    with monkeypatch.context() as patch:
        lose_lease_in(patch, "check_batch", 4)
        assert "lease lost" in run_due()
    hand_on()
    run_due()
    source.refresh_from_db()
    assert (source.status, source.total_rows, source.error_rows) == ("checked", 3000, 0)
    assert source.rows.count() == 3000


def test_an_import_that_is_cancelled_leaves_nothing(bring, run_due):
    source = bring(rows(600))
    imports.start_import(source, mode=ALL, actor=SYSTEM)
    Operation.objects.update(cancel_asked_at=timezone.now())
    run_due()
    source.refresh_from_db()
    assert (source.status, source.cause) == ("checked", "The import was cancelled.")
    assert not Subscriber.objects.exists()


def test_rows_that_are_taken_back_are_told_of_as_removed(bring, run_due, monkeypatch):
    source = bring(rows(600))
    imports.start_import(source, mode=ALL, actor=SYSTEM)
    with monkeypatch.context() as patch:
        lose_lease_in(patch, "write_batch", 2)
        run_due()
    came = Event.objects.filter(type="subscriber.created")
    assert came.count() == 500
    Operation.objects.update(cancel_asked_at=timezone.now())
    hand_on()
    run_due()
    assert not Subscriber.objects.exists()
    for kind in ("subscriber", "service"):
        gone = Event.objects.filter(type=f"{kind}.removed").values_list("subject_id", flat=True)
        there = Event.objects.filter(type=f"{kind}.created").values_list("subject_id", flat=True)
        assert set(gone) == set(there) != set()


def test_a_large_file_that_is_no_list_is_refused_by_its_operation(workspace, run_due):
    content = b"name\n" + b"Dora\n" * 3000 + b"\x00"
    source = imports.receive_file(ContentFile(content, name="x.csv"), actor=SYSTEM)
    assert source.status == "uploaded"
    run_due()
    source.refresh_from_db()
    assert source.status == "refused"
    assert "zero byte in line 3002" in source.cause


def test_a_file_beyond_the_limit_is_not_kept(workspace, monkeypatch, settings):
    monkeypatch.setattr(imports, "MOST_BYTES", 1024)
    with pytest.raises(imports.FileRefusedError, match="larger than"):
        imports.receive_file(large_list(100), actor=SYSTEM)
    assert not list(Path(settings.MEDIA_ROOT).rglob("*.csv"))
    assert not SubscriberImport.objects.exists()


@pytest.fixture
def live_acme(live_database, acme):
    """Acme's workspace with real commits."""
    with schema_of(acme.workspace):
        make_plan("Fiber 100")
        yield


@pytest.fixture
def work_off(live_acme, settings) -> Callable[..., int]:
    """Run what is due in another process; its peak memory in KiB, 0 when it died."""

    def run(die_in_batch: int = 0) -> int:
        environment = {
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "config.settings.test",
            "MEDIA_ROOT": str(settings.MEDIA_ROOT),
            "PYTHONPATH": str(ROOT),
        }
        command = [sys.executable, str(Path(__file__).with_name("worker.py")), str(die_in_batch)]
        ended = subprocess.run(
            command, env=environment, cwd=ROOT, capture_output=True, text=True, check=False
        )
        assert ended.returncode == (-9 if die_in_batch else 0), ended.stderr
        return int(ended.stdout or 0)

    return run


def test_a_worker_killed_in_the_middle_of_a_batch_doubles_nothing(work_off):
    source = imports.receive_file(large_list(1800), actor=SYSTEM)
    imports.start_import(source, mode=ALL, actor=SYSTEM)
    work_off(die_in_batch=3)
    assert Subscriber.objects.count() == 1000
    finish(source, work_off)
    assert (source.status, source.created_rows) == ("imported", 1800)
    assert Subscriber.objects.count() == Service.objects.count() == 1800
    assert not imports.file_of(source).exists()


def long_list(count: int, start: int) -> str:
    """Rows of which each tenth brings a service and an address, to spare the tests' time."""
    short = (f"N-{n},Person {n},,,,,,,,,,X{n}" for n in range(start, start + count) if n % 10)
    full = (rows(1, start=n) for n in range(start, start + count) if n % 10 == 0)
    return "\n".join([*short, *full])


@pytest.mark.timeout(600)
def test_a_hundred_thousand_rows_take_no_more_memory_than_a_few(work_off):
    peaks = {}
    for count, start in ((3000, 1), (100_000, 10_000)):
        content = f"{HEADER}\n{long_list(count, start)}\n".encode()
        source = imports.receive_file(ContentFile(content, name="large.csv"), actor=SYSTEM)
        check = work_off()
        source.refresh_from_db()
        assert (source.status, source.error_rows) == ("checked", 0)
        imports.start_import(source, mode=ALL, actor=SYSTEM)
        peaks[count] = max(check, work_off(), *finish(source, work_off))
        assert (source.status, source.created_rows) == ("imported", count)
    assert peaks[100_000] < 1.25 * peaks[3000], peaks
    assert Subscriber.objects.count() == 103_000
