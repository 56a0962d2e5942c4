"""Somebody cancels a change in its middle: all is taken back, and what served serves again."""

from collections.abc import Callable

import pytest

from apps.events.actors import SYSTEM
from apps.instances.pipelines import lifecycle
from apps.operations import services as operations
from apps.operations.models import Operation
from apps.operations.pipelines import Run, Step
from apps.tenancy.kinds import schema_of
from dotmac.engine.fake import Killed
from tests.instances.deaths import take_over
from tests.instances.test_failures import step_of
from tests.instances.world import Shop

RunDue = Callable[[], list[str]]


def cancel_during(monkeypatch: pytest.MonkeyPatch, step: type[Step], found: Shop) -> None:
    """Let somebody ask to cancel while a step runs."""
    original = step.run

    def asked(self: Step, run: Run) -> None:
        original(self, run)
        with schema_of(found.isp.console):
            operations.cancel(Operation.objects.get(pk=run.operation.pk), actor=SYSTEM)

    monkeypatch.setattr(step, "run", asked)


@pytest.mark.parametrize("key", ["validate", "reserve", "network", "release", "start", "route"])
def test_a_cancelled_first_deployment_is_taken_back(
    new_shop: Shop, run_due: RunDue, monkeypatch: pytest.MonkeyPatch, key: str
) -> None:
    cancel_during(monkeypatch, step_of("instances.deploy", key), new_shop)
    run_due()
    assert new_shop.operation.status == "cancelled"
    assert new_shop.row.status == "failed"
    assert new_shop.containers == {}
    assert (new_shop.networks, new_shop.volumes) == (set(), set())
    assert (new_shop.placements, new_shop.routes) == ([], [])


@pytest.mark.parametrize("key", ["validate", "network", "release", "start", "route"])
def test_a_cancelled_later_deployment_leaves_the_old_one(
    running_shop: Shop, run_due: RunDue, monkeypatch: pytest.MonkeyPatch, key: str
) -> None:
    cancel_during(monkeypatch, step_of("instances.deploy", key), running_shop)
    running_shop.deploy()
    run_due()
    assert running_shop.operation.status == "cancelled"
    assert running_shop.row.status == "active"
    assert running_shop.containers == {"db": "running", "web-1": "running"}
    assert running_shop.routes == [(["web-1"], "")]
    assert running_shop.placements == [(1, "active")]
    assert running_shop.public_status == 200


CANCELLED = [
    ("stop", lifecycle.Notice),
    ("stop", lifecycle.StopContainers),
    ("suspend", lifecycle.StopContainers),
    ("archive", lifecycle.Notice),
    ("archive", lifecycle.RemoveContainers),
]


@pytest.mark.parametrize(("what", "step"), CANCELLED)
def test_a_cancelled_change_leaves_the_shop_serving(
    running_shop: Shop,
    run_due: RunDue,
    monkeypatch: pytest.MonkeyPatch,
    what: str,
    step: type[Step],
) -> None:
    cancel_during(monkeypatch, step, running_shop)
    running_shop.change(what)
    run_due()
    assert running_shop.operation.status == "cancelled"
    assert running_shop.row.status == "active"
    assert running_shop.containers == {"db": "running", "web-1": "running"}
    assert running_shop.networks == {"front", "back"}
    assert running_shop.routes == [(["web-1"], "")]
    assert running_shop.public_status == 200


@pytest.mark.parametrize("what", ["start", "resume"])
@pytest.mark.parametrize("step", [lifecycle.StartContainers, lifecycle.LeadBack])
def test_a_cancelled_start_shows_the_notice_again(
    running_shop: Shop,
    run_due: RunDue,
    monkeypatch: pytest.MonkeyPatch,
    what: str,
    step: type[Step],
) -> None:
    running_shop.change({"start": "stop", "resume": "suspend"}[what])
    run_due()
    status = running_shop.row.status
    cancel_during(monkeypatch, step, running_shop)
    running_shop.change(what)
    run_due()
    assert running_shop.operation.status == "cancelled"
    assert running_shop.row.status == status
    assert running_shop.containers == {"db": "exited", "web-1": "exited"}
    assert running_shop.routes == [([], status)]


@pytest.mark.parametrize("what", ["suspend", "archive"])
def test_a_stopped_shop_shows_that_it_is_stopped_after_another_change_was_cancelled(
    running_shop: Shop, run_due: RunDue, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    running_shop.change("stop")
    run_due()
    cancel_during(monkeypatch, lifecycle.Notice, running_shop)
    running_shop.change(what)
    run_due()
    assert running_shop.row.status == "stopped"
    assert running_shop.routes == [([], "stopped")]


def test_a_one_off_that_a_dead_worker_left_goes_when_the_deployment_is_cancelled(
    new_shop: Shop, run_due: RunDue, monkeypatch: pytest.MonkeyPatch
) -> None:
    new_shop.engine.kill("run:started", after=1)
    with pytest.raises(Killed):
        run_due()
    assert "release-1" in new_shop.containers
    take_over()
    with schema_of(new_shop.isp.console):
        operations.cancel(new_shop.operation, actor=SYSTEM)
    run_due()
    assert new_shop.operation.status == "cancelled"
    assert new_shop.containers == {}
    assert new_shop.networks == set()
