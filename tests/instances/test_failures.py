"""What goes wrong on a host: the cause and the log are shown, and nothing is left half done."""

from collections.abc import Callable

import pytest

from apps.fleet.models import Server
from apps.fleet.services.servers import note_answer, note_silence
from apps.instances.pipelines import deploy
from apps.marketplace.services import publish
from apps.operations.exceptions import StepError
from apps.operations.pipelines import Run, Step, pipeline_of
from apps.tenancy.kinds import operator
from apps.work.models import Due
from dotmac.edge import EdgeError
from dotmac.engine import EngineError, ErrorCode
from dotmac.engine.fake import Program
from tests.instances.test_killed_workers import assert_never_was, assert_old_one_serves
from tests.instances.world import (
    PASSWORD,
    Shop,
    arrange_release,
    install_shop,
    shop,
    the_edge,
)
from tests.operations.nursery import until

RunDue = Callable[[], list[str]]
NO_SPACE = EngineError(
    "Cannot make a container: no space left on device. Free some on server one.",
    permanent=True,
    code=ErrorCode.NO_SPACE,
)
DIES_AT_ONCE = Program("cannot read /etc/shop.conf\n", exit_code=3, lasts_s=0)


def missing_image(found: Shop, number: int) -> str:
    found.engine.host.missing_images.add(f"example/shop:{number}.0")
    return f"Cannot find image example/shop:{number}.0"


def no_space(found: Shop, number: int) -> str:
    found.engine.fail("ensure_container", NO_SPACE)
    return "no space left on device"


def never_healthy(found: Shop, number: int) -> str:
    found.engine.host.programs[found.name(f"web-{number}")] = DIES_AT_ONCE
    return "The app did not become healthy within 1 s: nothing answered at /health."


def failing_release_command(found: Shop, number: int) -> str:
    arrange_release(found, number, output="relation “orders” exists\n", exit_code=1)
    return "The release command failed with exit code 1."


FAULTS = [missing_image, no_space, never_healthy, failing_release_command]


@pytest.mark.parametrize("fault", FAULTS)
def test_a_first_deployment_that_fails_leaves_nothing(
    new_shop: Shop, run_due: RunDue, fault: Callable[[Shop, int], str]
) -> None:
    cause = fault(new_shop, 1)
    run_due()
    assert_never_was(new_shop)
    assert cause in new_shop.operation.cause
    assert cause in new_shop.row.status_reason
    assert cause in new_shop.log
    assert Due.objects.get(subject=str(new_shop.operation.uuid)).state == "failed"


@pytest.mark.parametrize("fault", FAULTS)
def test_the_old_release_keeps_serving_when_a_new_one_fails(
    running_shop: Shop, run_due: RunDue, fault: Callable[[Shop, int], str]
) -> None:
    served_by = running_shop.engine.host.made[running_shop.name("web-1")].info.id
    cause = fault(running_shop, 2)
    running_shop.deploy()
    run_due()
    assert_old_one_serves(running_shop)
    assert running_shop.engine.host.made[running_shop.name("web-1")].info.id == served_by
    assert cause in running_shop.operation.cause


def test_what_the_app_wrote_last_is_in_the_log(new_shop: Shop, run_due: RunDue) -> None:
    never_healthy(new_shop, 1)
    run_due()
    assert "cannot read /etc/shop.conf" in new_shop.log


def test_what_the_release_command_wrote_is_in_the_log(new_shop: Shop, run_due: RunDue) -> None:
    failing_release_command(new_shop, 1)
    run_due()
    assert "relation “orders” exists" in new_shop.log


def test_a_secret_that_an_app_writes_does_not_get_into_the_log(
    new_shop: Shop, run_due: RunDue
) -> None:
    arrange_release(new_shop, 1, output=f"cannot log in as shop:{PASSWORD}@db\n", exit_code=1)
    run_due()
    assert "cannot log in as shop:••••@db" in new_shop.log
    assert PASSWORD not in new_shop.log


def test_a_secret_in_the_output_of_a_command_that_hangs_is_hidden_too(
    new_shop: Shop, run_due: RunDue
) -> None:
    arrange_release(new_shop, 1, output=f"waiting for shop:{PASSWORD}@db\n", lasts_s=9999)
    run_due()
    assert "did not end within 1800 seconds" in new_shop.operation.cause
    assert "waiting for shop:••••@db" in new_shop.log


def test_a_failed_first_deployment_can_be_repeated(new_shop: Shop, run_due: RunDue) -> None:
    new_shop.engine.fail("ensure_container", NO_SPACE)
    run_due()
    arrange_release(new_shop, 2)
    new_shop.deploy()
    run_due()
    assert new_shop.row.status == "active"
    assert new_shop.row.status_reason == ""
    assert new_shop.containers == {"db": "running", "web-2": "running"}
    assert new_shop.deployments == [(1, "1.0", "failed"), (2, "1.0", "succeeded")]


def test_a_database_of_another_definition_is_put_back_when_the_release_fails(
    running_shop: Shop, run_due: RunDue
) -> None:
    changed = shop("3.0")
    changed["services"]["db"]["image"] = "example/db:18"
    publish(changed)
    running_shop.engine.host.programs["example/shop:3.0"] = DIES_AT_ONCE
    running_shop.deploy(release="3.0")
    run_due()
    database = running_shop.engine.host.made[running_shop.name("db")]
    assert (database.spec.image, database.info.state) == ("example/db:17", "running")
    assert running_shop.routes == [(["web-1"], "")]


def test_an_app_that_is_all_state_is_put_back_when_its_new_release_fails(
    running_shop: Shop, run_due: RunDue
) -> None:
    """Two of it cannot run at once, so for a moment the new one stands in its place."""
    publish(alone("1.0"))
    lone = install_shop(running_shop.isp, app="lone")
    run_due()
    assert lone.containers == {"web": "running"}
    publish(alone("2.0"))
    lone.engine.host.programs["example/shop:2.0"] = DIES_AT_ONCE
    lone.deploy()
    run_due()
    assert lone.operation.status == "failed"
    web = lone.engine.host.made[lone.name("web")]
    assert (web.spec.image, web.info.state) == ("example/shop:1.0", "running")
    assert lone.routes == [(["web"], "")]
    assert lone.row.status == "active"


def alone(version: str) -> dict[str, object]:
    """The shop without a database: it keeps its files to itself."""
    manifest = shop(version, name="lone", volumes={"files": {"size": "1G"}})
    del manifest["services"]["db"], manifest["release"]
    return manifest


def test_an_engine_that_fails_for_a_moment_is_asked_again(
    new_shop: Shop, run_due: RunDue, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("apps.operations.runner.BACKOFF_S", (0,))
    new_shop.engine.fail("image", times=2)
    run_due()
    assert new_shop.operation.status == "succeeded"
    attempts = {step.key: step.attempt for step in new_shop.operation.steps.all()}
    assert attempts["image"] == 3


def test_an_edge_that_fails_for_a_moment_is_asked_again(
    new_shop: Shop, run_due: RunDue, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("apps.operations.runner.BACKOFF_S", (0,))
    the_edge().fail(EdgeError("The disk is full.", permanent=False), times=2)
    run_due()
    assert new_shop.operation.status == "succeeded"
    assert new_shop.public_status == 200


def test_a_release_whose_address_never_answers_is_taken_back(
    running_shop: Shop, run_due: RunDue, monkeypatch: pytest.MonkeyPatch
) -> None:
    def silent(run: Run, instance: object, stack: object) -> None:
        if run.memory["deployment"] == stack.number:  # type: ignore[attr-defined]
            raise StepError("An answer of https://shop did not happen within 30 s.")

    monkeypatch.setattr("apps.instances.pipelines.common.wait_public", silent)
    running_shop.deploy()
    run_due()
    assert_old_one_serves(running_shop)


def test_the_old_release_is_brought_up_again_when_retiring_it_fails(
    running_shop: Shop, run_due: RunDue
) -> None:
    gone = EngineError("The engine lost its storage.", permanent=True, code=ErrorCode.FAILED)
    running_shop.engine.fail("remove_container:after", gone)
    running_shop.deploy()
    run_due()
    assert "web-1" in dict(running_shop.containers)
    assert_old_one_serves(running_shop)


@pytest.fixture
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Holds and breakers of a fifth of a second."""
    monkeypatch.setattr("apps.fleet.engines.OPEN_S", 0.2)
    monkeypatch.setattr("apps.fleet.engines.HOLD_S", 0.2)


def cut_off_at(monkeypatch: pytest.MonkeyPatch, step: type[Step], found: Shop) -> None:
    """Let the host be out of reach from a step's beginning on."""
    original = step.run

    def cut(self: Step, run: Run) -> None:
        if found.engine.host.changed and not getattr(found, "was_cut", False):
            found.was_cut = True  # type: ignore[attr-defined]
            found.engine.host.unreachable = True
        original(self, run)

    monkeypatch.setattr(step, "run", cut)


WITH_ENGINE = ["image", "network", "database", "release", "start", "health", "route"]


@pytest.mark.usefixtures("soon")
@pytest.mark.parametrize("key", WITH_ENGINE)
def test_an_operation_waits_visibly_for_a_server_that_went_away(
    new_shop: Shop, run_due: RunDue, monkeypatch: pytest.MonkeyPatch, key: str
) -> None:
    cut_off_at(monkeypatch, step_of("instances.deploy", key), new_shop)
    run_due()
    waiting = new_shop.operation
    assert waiting.status == "waiting"
    assert waiting.waits_for == "Server one does not answer now. This waits until it does."
    due = Due.objects.get(subject=str(waiting.uuid))
    assert (due.state, due.reason) == ("waiting", waiting.waits_for)
    new_shop.engine.host.unreachable = False
    until(lambda: run_due() and new_shop.operation.status == "succeeded", "The end of the waiting")
    assert {step.attempt for step in new_shop.operation.steps.all()} == {1}
    assert new_shop.public_status == 200


def step_of(pipeline: str, key: str) -> type[Step]:
    return next(step for step in pipeline_of(pipeline).steps if step.key == key)


def test_an_operation_waits_for_a_server_that_probes_found_silent_and_goes_on_when_it_answers(
    new_shop: Shop, run_due: RunDue
) -> None:
    with operator():
        note_silence(Server.objects.get(), "timeout")
        note_silence(Server.objects.get(), "timeout")
    run_due()
    assert new_shop.operation.status == "waiting"
    assert "No server of region This machine answers" in new_shop.operation.waits_for
    assert new_shop.placements == []
    with operator():
        note_answer(Server.objects.get(), "20.10")
    run_due()
    assert new_shop.operation.status == "succeeded"


@pytest.mark.usefixtures("soon")
def test_taking_back_waits_for_the_server_too(
    new_shop: Shop, run_due: RunDue, monkeypatch: pytest.MonkeyPatch
) -> None:
    never_healthy(new_shop, 1)
    original = deploy.Start.undo

    def cut(self: deploy.Start, run: Run) -> None:
        new_shop.engine.host.unreachable = not getattr(new_shop, "was_cut", False)
        new_shop.was_cut = True  # type: ignore[attr-defined]
        original(self, run)

    monkeypatch.setattr(deploy.Start, "undo", cut)
    run_due()
    assert new_shop.operation.status == "waiting"
    assert "Server one does not answer" in new_shop.operation.waits_for
    new_shop.engine.host.unreachable = False
    until(lambda: run_due() and new_shop.operation.status == "failed", "The end of the waiting")
    assert_never_was(new_shop)


def test_no_room_is_said_in_figures(new_shop: Shop, run_due: RunDue) -> None:
    Server.objects.update(memory_mb=100)
    run_due()
    assert_never_was(new_shop)
    assert (
        "Region This machine has no room for Shop: the freest server lacks 128 MiB of memory where"
        " 100 are free." in new_shop.operation.cause
    )


def test_a_later_deployment_that_finds_no_room_leaves_the_old_one(
    running_shop: Shop, run_due: RunDue
) -> None:
    Server.objects.update(memory_mb=200)
    running_shop.deploy()
    run_due()
    assert_old_one_serves(running_shop)
    assert "has its data on server one, which has no room" in running_shop.operation.cause


def test_a_stopped_shop_is_stopped_again_when_a_new_release_fails(
    running_shop: Shop, run_due: RunDue
) -> None:
    running_shop.change("stop")
    run_due()
    never_healthy(running_shop, 2)
    running_shop.deploy()
    run_due()
    assert running_shop.row.status == "stopped"
    assert running_shop.containers == {"db": "exited", "web-1": "exited"}
    assert running_shop.routes == [([], "stopped")]
    running_shop.change("start")
    run_due()
    assert running_shop.public_status == 200


def test_a_start_that_fails_leaves_it_stopped(running_shop: Shop, run_due: RunDue) -> None:
    running_shop.change("stop")
    run_due()
    running_shop.engine.host.programs["example/shop:1.0"] = DIES_AT_ONCE
    running_shop.change("start")
    run_due()
    assert running_shop.operation.status == "failed"
    assert "did not become healthy" in running_shop.operation.cause
    assert running_shop.row.status == "stopped"
    assert running_shop.routes == [([], "stopped")]
    assert running_shop.containers == {"db": "exited", "web-1": "exited"}
