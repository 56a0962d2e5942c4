"""No operation hangs for ever: what kills its workers again and again is brought to an end."""

import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from uuid import uuid4

import pytest
from django.db import connection
from django.utils import timezone

from apps.events.actors import SYSTEM
from apps.operations import services as operations
from apps.operations.models import Operation
from apps.operations.pipelines import Run
from apps.tenancy.kinds import schema_of
from apps.work import services as work
from apps.work.constants import STALLS_ALLOWED
from apps.work.jobs import run
from apps.work.models import Due
from tests.operations.conftest import pipeline, start, step
from tests.operations.nursery import until


class Death(BaseException):
    """The worker is gone at once: nothing of ours is done after it."""


@pytest.fixture
def console(db: None, acme) -> Iterator[None]:
    """In Acme's console."""
    with schema_of(acme.console):
        yield


def nothing(_run: Run) -> None:
    """An act that does nothing."""


def die(_run: Run) -> None:
    """An act that no worker survives."""
    raise Death


def run_for_ever(subject: str) -> Due:
    """Run, reap and wait until the work has ended, at most as often as it must."""
    due = Due.objects.get(subject=subject)
    for _claim in range(8 * STALLS_ALLOWED):
        past = timezone.now() - timedelta(seconds=1)
        Due.objects.filter(pk=due.pk).update(due_at=past)
        with schema_of(connection.schema_name):
            try:
                run(str(due.pk))
            except (Death, Exception):
                Due.objects.filter(pk=due.pk, state="running").update(lease_until=past)
        work.reap()
        due.refresh_from_db()
        if due.state not in ("queued", "running", "waiting"):
            return due
    raise AssertionError("It goes on for ever.")


def ended(operation: Operation) -> tuple[str, str]:
    """Where an operation and its row of the queue came to."""
    due = run_for_ever(str(operation.uuid))
    operation.refresh_from_db()
    return operation.status, due.state


def test_a_step_that_kills_every_worker_fails_and_is_undone(console: None) -> None:
    undone: list[str] = []
    operation = start(
        pipeline(
            step("first", nothing, lambda _run: undone.append("first")),
            step("second", die, lambda _run: undone.append("second")),
        )
    )
    assert ended(operation) == ("failed", "failed")
    assert undone == ["second", "first"]
    assert f"tried this {STALLS_ALLOWED} times" in operation.cause
    assert operation.steps.get(key="second").status == "failed"
    assert start(operation.name).is_active


def test_an_undo_that_kills_every_worker_is_left_behind(console: None) -> None:
    undone: list[str] = []
    operation = start(
        pipeline(
            step("first", nothing, lambda _run: undone.append("first")),
            step("second", nothing, die),
            step("third", die, lambda _run: undone.append("third")),
        )
    )
    assert ended(operation) == ("failed", "failed")
    assert set(undone) == {"third", "first"}
    assert "Not undone" in operation.steps.get(key="second").error


def test_settling_that_always_fails_ends_unsettled(console: None) -> None:
    def settle(_run: Run, _status: str) -> None:
        raise ZeroDivisionError

    undone: list[str] = []
    only = step("only", nothing, lambda _run: undone.append("only"))
    operation = start(pipeline(only, settle=settle))
    assert ended(operation) == ("failed", "failed")
    assert undone == ["only"]


def test_an_operation_whose_pipeline_is_gone_is_ended(console: None) -> None:
    operation = start(pipeline(step("only", nothing)))
    Operation.objects.filter(pk=operation.pk).update(name="no.such.pipeline")
    assert ended(operation) == ("failed", "failed")


def test_an_operation_of_another_release_is_undone_as_far_as_it_is_known(console: None) -> None:
    undone: list[str] = []
    operation = start(
        pipeline(
            step("kept", nothing, lambda _run: undone.append("kept")),
            step("renamed", nothing),
        )
    )
    operation.steps.update(started_at=timezone.now(), status="done")
    operation.steps.filter(key="renamed").update(key="old")
    assert ended(operation) == ("failed", "failed")
    assert undone == ["kept"]
    assert operation.cause.startswith("This operation was begun by another release")
    assert "Not undone" in operation.steps.get(key="old").error


def test_work_without_its_operation_is_abandoned(console: None) -> None:
    missing = str(uuid4())
    work.enqueue("operation", missing, title="Nobody's")
    due = run_for_ever(missing)
    assert due.state == "failed"
    assert due.reason.startswith("Abandoned")


def test_work_of_a_schema_that_is_gone_is_abandoned(db: None) -> None:
    now = timezone.now()
    Due.objects.create(
        schema="w_gone", kind="operation", subject="1", title="Gone", due_at=now, created_at=now
    )
    assert run_for_ever("1").state == "failed"


def test_an_active_operation_with_dead_work_is_revived_by_cancelling_it(console: None) -> None:
    undone: list[str] = []
    operation = start(pipeline(step("only", die, lambda _run: undone.append("only"))))
    with pytest.raises(Death), schema_of(connection.schema_name):
        run(str(Due.objects.get().pk))
    Due.objects.update(state="failed")
    operations.cancel(operation, actor=SYSTEM)
    assert ended(operation) == ("cancelled", "cancelled")
    assert undone == ["only"]


def test_open_work_of_an_ended_operation_is_closed_and_changes_nothing(console: None) -> None:
    operation = start(pipeline(step("only", die)))
    Operation.objects.filter(pk=operation.pk).update(status="succeeded")
    assert ended(operation) == ("succeeded", "done")


def test_what_a_person_waits_through_does_not_count_as_a_stall(
    console: None, run_due: Callable[[], list[str]]
) -> None:
    operation = start(pipeline(step("first", nothing), step("second", nothing)))
    Due.objects.update(stalls=STALLS_ALLOWED - 1)
    run_due()
    operation.refresh_from_db()
    assert operation.status == "succeeded"
    assert Due.objects.get().stalls == 0


def test_a_step_that_hangs_is_taken_from_its_worker(live_database: str, acme) -> None:
    hangs, tries = threading.Event(), iter([True, False])

    def act(_run: Run) -> None:
        if next(tries):
            hangs.wait(60)

    def labour() -> None:
        try:
            results.append(run(due_id))
        finally:
            connection.close()

    with schema_of(acme.console):
        operation = start(pipeline(step("only", act, deadline_s=0.1)))
    due_id, results = str(Due.objects.get(subject=str(operation.uuid)).pk), []
    worker = threading.Thread(target=labour)
    worker.start()
    until(work.reap, "The reaping of work that hangs")
    assert run(due_id) == "ran"
    assert Due.objects.get(pk=due_id).state == "done"
    hangs.set()
    worker.join(30)
    assert results == ["lease lost"]
