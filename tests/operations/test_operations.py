"""What people see of an operation: one at a time, cancelled, repeated, waiting, failing."""

from collections.abc import Callable, Iterator

import pytest
from django.db import connection
from django.utils import timezone
from structlog.processors import format_exc_info
from structlog.testing import capture_logs

from apps.core.exceptions import ConflictError
from apps.events.actors import SYSTEM
from apps.events.models import Event
from apps.operations import services as operations
from apps.operations.exceptions import BusyError, HoldError, StepError
from apps.operations.models import Operation
from apps.operations.pipelines import Run
from apps.tenancy.kinds import schema_of
from apps.work.jobs import run
from apps.work.models import Due
from tests.live import in_vain
from tests.operations.conftest import pipeline, start, step

RunDue = Callable[[], list[str]]


@pytest.fixture(autouse=True)
def console(db: None, acme) -> Iterator[None]:
    """Every test stands in Acme's console."""
    with schema_of(acme.console):
        yield


def fails(message: str, *, permanent: bool = True) -> Callable[..., None]:
    """An act that fails for a cause meant for people."""

    def act(*_arguments: object) -> None:
        raise StepError(message, permanent=permanent)

    return act


def nothing(_run: Run) -> None:
    """An act that does nothing."""


def due_of(operation: Operation) -> Due:
    """The row of the queue of an operation."""
    return Due.objects.get(subject=str(operation.uuid))


def the_time_comes(operation: Operation) -> None:
    """What waited is due."""
    Due.objects.filter(subject=str(operation.uuid)).update(due_at=timezone.now())


def statuses(operation: Operation) -> list[str]:
    """The status of each step, in order."""
    return list(operation.steps.order_by("position").values_list("status", flat=True))


def happened(operation: Operation) -> list[str]:
    """The events of an operation's subject, in order."""
    about = Event.objects.filter(subject_id=operation.subject_id)
    return list(about.order_by("id").values_list("type", flat=True))


def test_steps_run_in_order_and_remember_for_later_ones(run_due: RunDue) -> None:
    said: list[str] = []
    name = pipeline(
        step("first", lambda run: run.remember(address="10.0.0.7")),
        step("second", lambda run: said.append(run.memory["address"])),
    )
    operation = start(name)
    run_due()
    operation.refresh_from_db()
    assert (operation.status, said) == ("succeeded", ["10.0.0.7"])
    assert statuses(operation) == ["done", "done"]
    assert happened(operation) == ["operation.queued", "operation.succeeded"]
    assert (due_of(operation).state, due_of(operation).progress) == ("done", 100)


def test_the_queue_mirrors_state_and_progress_while_it_runs(run_due: RunDue) -> None:
    seen: list[tuple[str, int]] = []

    def look(run: Run) -> None:
        due = due_of(run.operation)
        seen.append((due.state, due.progress))

    run_it = start(pipeline(step("first", look), step("second", look)))
    assert (due_of(run_it).state, due_of(run_it).title) == ("queued", "Build tower")
    run_due()
    assert seen == [("running", 0), ("running", 50)]


def test_a_second_change_is_refused_and_told_the_first(run_due: RunDue) -> None:
    name = pipeline(step("only", nothing))
    first = start(name)
    with pytest.raises(BusyError, match="Build tower") as refused:
        start(name)
    assert refused.value.extra == {"operation": str(first.uuid)}
    assert refused.value.status == 409
    assert start(name, "another tower").is_active
    run_due()
    assert start(name).is_active


def test_settling_and_the_success_event_stand_in_one_transaction(run_due: RunDue) -> None:
    def settle(the_run: Run, status: str) -> None:
        the_run.operation.lines.create(step_position=9, at=timezone.now(), text=status)
        if len(crashes) < 2:
            crashes.append(status)
            raise ValueError("settling failed")

    crashes: list[str] = []
    operation = start(pipeline(step("only", nothing), settle=settle))
    for _time in range(2):
        with pytest.raises(ValueError, match="settling failed"):
            run_due()
        operation.refresh_from_db()
        assert operation.status == "running"
        assert not operation.lines.exists()
        assert happened(operation) == ["operation.queued"]
        the_time_comes(operation)
    run_due()
    assert list(operation.lines.values_list("text", flat=True)) == ["succeeded"]
    assert happened(operation) == ["operation.queued", "operation.succeeded"]


def test_cancelled_at_a_step_boundary_what_was_done_is_undone(run_due: RunDue) -> None:
    undone: list[str] = []

    def ask(run: Run) -> None:
        operations.cancel(Operation.objects.get(pk=run.operation.pk), actor=SYSTEM)

    operation = start(
        pipeline(
            step("first", ask, lambda _run: undone.append("first")),
            step("second", fails("Never reached."), lambda _run: undone.append("second")),
        )
    )
    run_due()
    operation.refresh_from_db()
    assert (operation.status, operation.cause, undone) == ("cancelled", "", ["first"])
    assert statuses(operation) == ["undone", "pending"]
    assert due_of(operation).state == "cancelled"
    assert happened(operation)[-1] == "operation.cancelled"


def test_cancelled_before_it_began_nothing_is_done(run_due: RunDue) -> None:
    operation = start(pipeline(step("only", fails("Never reached."))))
    operations.cancel(operation, actor=SYSTEM)
    run_due()
    operation.refresh_from_db()
    assert (operation.status, statuses(operation)) == ("cancelled", ["pending"])


def test_cancelled_while_it_waits_it_ends_at_once(run_due: RunDue) -> None:
    def hold(_run: Run) -> None:
        raise HoldError("The host does not answer.", seconds=3600)

    operation = start(pipeline(step("only", hold)))
    run_due()
    operations.cancel(operation, actor=SYSTEM)
    run_due()
    operation.refresh_from_db()
    assert (operation.status, statuses(operation)) == ("cancelled", ["undone"])


def test_a_second_cancel_and_one_after_the_end_are_conflicts(run_due: RunDue) -> None:
    operation = start(pipeline(step("only", nothing)))
    operations.cancel(operation, actor=SYSTEM)
    with pytest.raises(ConflictError, match="already being cancelled"):
        operations.cancel(operation, actor=SYSTEM)
    run_due()
    with pytest.raises(ConflictError, match="has ended"):
        operations.cancel(operation, actor=SYSTEM)


def test_a_pipeline_may_refuse_to_be_cancelled() -> None:
    operation = start(pipeline(step("only", nothing), can_cancel=False))
    with pytest.raises(ConflictError, match="cannot be cancelled"):
        operations.cancel(operation, actor=SYSTEM)


def test_a_failed_operation_is_repeated_under_its_own_name(run_due: RunDue) -> None:
    outcomes = iter([StepError("The image is missing."), None])

    def act(_run: Run) -> None:
        error = next(outcomes)
        if error:
            raise error

    first = start(pipeline(step("only", act)))
    with pytest.raises(ConflictError, match="nothing to repeat"):
        operations.retry(first, actor=SYSTEM)
    run_due()
    first.refresh_from_db()
    assert (first.status, first.cause) == ("failed", "The image is missing.")
    again = operations.retry(first, actor=SYSTEM)
    assert (again.title, again.retry_of) == ("Build tower", first.uuid)
    assert due_of(again).title == "Build tower"
    run_due()
    again.refresh_from_db()
    assert again.status == "succeeded"
    labels = set(Event.objects.filter(subject_id="tower").values_list("subject_label", flat=True))
    assert labels == {"tower"}


def test_a_failing_undo_is_named_and_does_not_stop_the_others(run_due: RunDue) -> None:
    undone: list[str] = []
    operation = start(
        pipeline(
            step("first", nothing, lambda _run: undone.append("first")),
            step("second", nothing, fails("The volume is in use.")),
            step("third", fails("The app never answers."), lambda _run: undone.append("third")),
        )
    )
    run_due()
    operation.refresh_from_db()
    assert (operation.status, operation.cause) == ("failed", "The app never answers.")
    assert undone == ["third", "first"]
    assert statuses(operation) == ["undone", "failed", "failed"]
    assert operation.steps.get(key="second").error == "Not undone: The volume is in use."
    assert operation.lines.filter(text="Not undone: The volume is in use.").exists()


def test_a_passing_error_is_tried_again_later_and_then_succeeds(run_due: RunDue) -> None:
    outcomes = iter([StepError("The registry is busy.", permanent=False)] * 2)

    def act(_run: Run) -> None:
        for error in outcomes:
            raise error

    operation = start(pipeline(step("only", act)))
    waits = []
    for _attempt in range(2):
        run_due()
        operation.refresh_from_db()
        due = due_of(operation)
        assert (operation.status, due.state, due.reason) == (
            "waiting",
            "waiting",
            operation.waits_for,
        )
        waits.append(operation.waits_for)
        the_time_comes(operation)
    run_due()
    operation.refresh_from_db()
    assert waits == [
        "The registry is busy. Next attempt in 1 s.",
        "The registry is busy. Next attempt in 2 s.",
    ]
    assert (operation.status, operation.waits_for) == ("succeeded", "")
    assert operation.steps.get().attempt == 3


def test_a_passing_error_that_does_not_pass_fails_the_operation(run_due: RunDue) -> None:
    operation = start(pipeline(step("only", fails("The registry is busy.", permanent=False))))
    for _attempt in range(5):
        run_due()
        the_time_comes(operation)
    operation.refresh_from_db()
    assert (operation.status, operation.cause) == ("failed", "The registry is busy.")
    assert operation.steps.get().attempt == 5


def test_an_undo_that_never_works_is_given_up(run_due: RunDue) -> None:
    undo = fails("The host does not answer.", permanent=False)
    operation = start(pipeline(step("only", fails("No room."), undo)))
    for _attempt in range(20):
        assert run_due() == ["ran"]
        the_time_comes(operation)
    operation.refresh_from_db()
    assert (operation.status, operation.cause) == ("failed", "No room.")
    assert operation.steps.get().error == "No room.\nNot undone: The host does not answer."


def test_waiting_for_something_outside_is_visible_and_costs_no_attempt(run_due: RunDue) -> None:
    is_away = iter([True] * 8)

    def act(_run: Run) -> None:
        if next(is_away, False):
            raise HoldError("The host does not answer.", seconds=30)

    operation = start(pipeline(step("only", act)))
    for _time in range(8):
        run_due()
        operation.refresh_from_db()
        assert (operation.status, operation.waits_for) == ("waiting", "The host does not answer.")
        assert (due_of(operation).state, due_of(operation).reason) == (
            "waiting",
            "The host does not answer.",
        )
        the_time_comes(operation)
    run_due()
    operation.refresh_from_db()
    assert (operation.status, operation.steps.get().attempt) == ("succeeded", 1)


def test_our_own_mistake_is_told_by_its_number_and_logged_in_full(run_due: RunDue) -> None:
    def crash(_run: Run) -> None:
        raise ZeroDivisionError("secret arithmetic")

    operation = start(pipeline(step("only", crash)))
    with capture_logs(processors=[format_exc_info]) as logged:
        run_due()
    operation.refresh_from_db()
    assert operation.status == "failed"
    assert str(operation.uuid) in operation.cause
    shown = [operation.cause, *operation.lines.values_list("text", flat=True)]
    assert not any("arithmetic" in text for text in shown)
    (entry,) = [line for line in logged if line["event"] == "step_crashed"]
    assert entry["operation"] == str(operation.uuid)
    assert "ZeroDivisionError: secret arithmetic" in entry["exception"]


def test_the_output_of_what_failed_stands_in_the_log(run_due: RunDue) -> None:
    def act(_run: Run) -> None:
        raise StepError("The release command failed.", detail="relation does not exist")

    operation = start(pipeline(step("only", act)))
    run_due()
    assert operation.lines.get(level="output").text == "relation does not exist"


def test_what_does_not_come_to_be_within_the_deadline_fails(run_due: RunDue) -> None:
    def act(run: Run) -> None:
        run.wait_until(lambda: False, what="The first answer")

    operation = start(pipeline(step("only", act, deadline_s=0.2)))
    run_due()
    operation.refresh_from_db()
    assert operation.cause == "The first answer did not happen within 0 s."


def test_a_job_leaves_the_connection_in_public(run_due: RunDue) -> None:
    operation = start(pipeline(step("only", nothing), settle=fails("Settling failed.")))
    with pytest.raises(StepError, match="Settling failed"):
        run(str(due_of(operation).pk))
    assert connection.schema_name == "public"


def test_an_operation_of_a_rolled_back_transaction_leaves_nothing() -> None:
    name = pipeline(step("only", nothing))
    in_vain(lambda: start(name))
    assert not Operation.objects.exists()
    assert not Event.objects.filter(subject_id="tower").exists()
    assert not Due.objects.exists()
