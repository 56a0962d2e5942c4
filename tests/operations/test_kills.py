"""A worker killed at any point: the operation ends right, once, and nothing is doubled."""

import signal
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from apps.events.actors import SYSTEM, Subject
from apps.events.models import Event
from apps.operations import services as operations
from apps.operations.models import Operation
from apps.tenancy.kinds import schema_of
from apps.work.models import Due
from tests.operations.demo.pipelines import THINGS
from tests.operations.demo.world import World
from tests.operations.nursery import Nursery, until

SCHEMA = "c_acme"
_RUNS = [f"{thing}.run.{when}" for thing in THINGS for when in ("before", "middle")]
_UNDOS = [f"{thing}.undo.{when}" for thing in THINGS for when in ("before", "middle")]
MOMENTS = [
    *(("demo.build", moment) for moment in [*_RUNS, "settle"]),
    *(("demo.fail", moment) for moment in [*_RUNS, *_UNDOS, "settle"]),
]
AT_ONCE = 6
# Long enough for a heartbeat on a machine that is busy with other tests.
LEASE_S = "5"


@dataclass
class Case:
    """An operation with a worker that dies over it."""

    operation: str
    world: World
    due_id: str = ""
    death: int = 0


class Arena:
    """Operations on one live database, their workers and their world."""

    def __init__(self, url: str, root: Path) -> None:
        self.root, self.nursery = root, Nursery(url, root, TEST_LEASE_SECONDS=LEASE_S)

    def start(self, name: str, subject: str) -> Case:
        """Start an operation, without anybody to run it yet."""
        with schema_of(SCHEMA):
            operation = operations.start(
                name, subject=Subject("demo", subject, subject), actor=SYSTEM
            )
        due = Due.objects.get(subject=str(operation.uuid))
        return Case(str(operation.uuid), World(self.root, subject), str(due.pk))

    def kill_over(self, cases: list[tuple[Case, dict[str, Any]]]) -> None:
        """Give each case a worker that dies over it, some at a time."""
        for i in range(0, len(cases), AT_ONCE):
            batch = [
                (case, self.nursery.work(due=case.due_id, **how))
                for case, how in cases[i : i + AT_ONCE]
            ]
            for case, pid in batch:
                case.death = self.nursery.wait(pid)

    def finish(self, cases: list[Case]) -> None:
        """Let two other workers take over all that was left lying."""
        workers = [self.nursery.work() for _ in range(2)]
        ids = [case.due_id for case in cases]
        open_rows = Due.objects.filter(pk__in=ids, state__in=["queued", "running", "waiting"])
        until(lambda: not open_rows.exists(), "The end of all operations", 120)
        for pid in workers:
            self.nursery.kill(pid)


@pytest.fixture(scope="module")
def arena(
    open_live_database: Callable[[], AbstractContextManager[str]],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Arena]:
    with open_live_database() as url:
        arena = Arena(url, tmp_path_factory.mktemp("world"))
        yield arena
        arena.nursery.close()


@pytest.fixture(scope="module")
def killed(arena: Arena) -> dict[tuple[str, str], Case]:
    """Every moment of both pipelines, each with a worker killed there once."""
    cases = {}
    for name, moment in MOMENTS:
        case = arena.start(name, f"{name}-{moment}".replace(".", "-"))
        case.world.arrange(moment, "kill")
        cases[name, moment] = case
    arena.kill_over([(case, {}) for case in cases.values()])
    arena.finish(list(cases.values()))
    return cases


def assert_ended_right(name: str, case: Case) -> None:
    """Once, with every row right, and nothing doubled or left over outside."""
    with schema_of(SCHEMA):
        operation = Operation.objects.get(uuid=case.operation)
        steps = {step.key: step for step in operation.steps.all()}
        about = Event.objects.filter(subject_id=operation.subject_id)
        happened = list(about.order_by("id").values_list("type", flat=True))
    due = Due.objects.get(pk=case.due_id)
    if name == "demo.build":
        assert (operation.status, due.state, due.progress) == ("succeeded", "done", 100)
        assert {step.status for step in steps.values()} == {"done"}
        assert case.world.things() == sorted(THINGS)
        assert operation.memory == dict.fromkeys(THINGS, "made")
    else:
        assert (operation.status, due.state) == ("failed", "failed")
        assert operation.cause == due.reason == "The app never became healthy. Look at its log."
        assert steps.pop("check").status == "failed"
        assert {step.status for step in steps.values()} == {"undone"}
        assert case.world.things() == []
    assert happened == ["operation.queued", "demo.settled", f"operation.{operation.status}"]
    assert operation.finished_at is not None
    assert due.lease_until is None


@pytest.mark.parametrize(("name", "moment"), MOMENTS)
def test_an_operation_ends_right_when_its_worker_is_killed(
    killed: dict[tuple[str, str], Case], name: str, moment: str
) -> None:
    case = killed[name, moment]
    assert case.world.has_arrived(moment)
    assert case.death == -signal.SIGKILL
    assert_ended_right(name, case)


def test_a_worker_may_be_killed_before_any_statement_of_its_sql(arena: Arena) -> None:
    first = 1
    for name in ("demo.build", "demo.fail"):
        whole = arena.start(name, f"{name}-whole".replace(".", "-"))
        statements = arena.nursery.count(whole.due_id)
        assert_ended_right(name, whole)
        cases = [
            (arena.start(name, f"{name}-at-{n}".replace(".", "-")), {"die_at": n})
            for n in range(first, statements + 1)
        ]
        arena.kill_over(cases)
        assert {case.death for case, _how in cases} == {-signal.SIGKILL}
        arena.finish([case for case, _how in cases])
        for case, _how in cases:
            assert_ended_right(name, case)
        # The failing pipeline goes the same way until it turns back.
        first = statements
