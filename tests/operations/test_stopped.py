"""A worker that was stopped past its lease and goes on changes nothing any more."""

import json
import os
import signal
from typing import Any

import pytest

from apps.events.models import Event
from apps.operations.models import LogLine, Operation, Step
from apps.tenancy.kinds import schema_of
from apps.work.models import Due
from tests.operations.demo.pipelines import THINGS
from tests.operations.demo.world import World
from tests.operations.nursery import Nursery, is_stopped, until

SCHEMA = "c_acme"


def everything(world: World) -> list[Any]:
    """All rows of the schema's operations and events, the queue, and the world outside."""
    with schema_of(SCHEMA):
        rows = [list(model.objects.values()) for model in (Operation, Step, LogLine, Event)]
    return [*rows, list(Due.objects.values()), world.things()]


@pytest.mark.parametrize(
    ("name", "moment", "state"),
    [
        ("demo.build", "place.run.before", "done"),
        ("demo.build", "network.run.middle", "done"),
        # Inside the transaction that ends the operation, with the row of the queue locked.
        ("demo.build", "settle", "done"),
        ("demo.fail", "network.undo.before", "failed"),
        ("demo.fail", "network.undo.middle", "failed"),
    ],
)
def test_a_stopped_worker_that_goes_on_changes_nothing(
    swept_database: str, nursery: Nursery, name: str, moment: str, state: str
) -> None:
    subject = f"{name}-{moment}".replace(".", "-")
    world = World(nursery.world, subject)
    world.arrange(moment, "stop")
    nursery.start(name, subject)
    due = Due.objects.get()
    stopped = nursery.work(due=str(due.pk))
    until(lambda: is_stopped(stopped), "The stop")
    other = nursery.work()
    until(lambda: Due.objects.get().state == state, "The end by another worker")
    nursery.kill(other)
    before = everything(world)
    assert before[-1] == (sorted(THINGS) if state == "done" else [])
    os.kill(stopped, signal.SIGCONT)
    how_it_ended = nursery.wait(stopped)
    assert everything(world) == before
    assert how_it_ended == 0, nursery.log()
    lost = [json.loads(line) for line in nursery.log().splitlines() if "lease_lost" in line]
    assert str(due.pk) in {line["due"] for line in lost}
