"""Parts of the platform are killed in the middle of real deployments, and each ends right, once."""

import signal

import pytest

from dotmac.engine.docker import DockerEngine
from tests.docker.conftest import SignUp
from tests.docker.live_instance import LiveInstance
from tests.docker.own_engine import OwnEngine
from tests.docker.traffic import Traffic
from tests.live_platform import LivePlatform, until

pytestmark = pytest.mark.docker
# From the moment when all parts run again.
RECOVERED_WITHIN_S = 60


def _ends_right(workspace: LiveInstance, deployment: int = 1) -> None:
    workspace.wait_end(RECOVERED_WITHIN_S)
    workspace.assert_deployed_once(deployment)


def test_a_deployment_survives_the_death_of_its_workers(
    platform: LivePlatform, sign_up: SignUp
) -> None:
    workspace = sign_up()
    for step in ("network", "database", "health", "route"):
        workspace.wait_for_step(step)
        platform.kill("worker")
        platform.start_process("worker")
    _ends_right(workspace)


def test_a_deployment_survives_the_death_of_the_whole_platform(
    platform: LivePlatform, sign_up: SignUp
) -> None:
    workspace = sign_up()
    for step in ("database", "route"):
        workspace.wait_for_step(step)
        platform.kill_everything()
        platform.start_missing()
    _ends_right(workspace)


def test_a_deployment_survives_restarts_of_the_database(
    platform: LivePlatform, sign_up: SignUp
) -> None:
    workspace = sign_up()
    workspace.wait_for_step("database")
    platform.stop_database()
    platform.start_database()
    workspace.wait_for_step("health")
    platform.kill_database()
    platform.start_database()
    _ends_right(workspace)
    assert all(platform.is_running(name) for name in ("web", "worker", "clock"))


def test_a_deployment_survives_the_death_of_the_edge(
    platform: LivePlatform, sign_up: SignUp
) -> None:
    workspace = sign_up()
    workspace.wait_for_step("health")
    platform.kill("edge")
    workspace.wait_for_step("route")
    platform.start_process("edge")
    _ends_right(workspace)


def test_a_deployment_survives_restarts_of_the_engine(
    own_engine: OwnEngine, sign_up: SignUp
) -> None:
    engine = DockerEngine(own_engine.url)
    before = _parts(engine)
    workspace = sign_up(own_engine.link, engine)
    for step, how in (("database", signal.SIGKILL), ("health", signal.SIGTERM)):
        workspace.wait_for_step(step)
        own_engine.end(how)
        until(lambda: workspace.operation().waits_for, what="A reason to wait")
        assert "does not answer" in workspace.operation().waits_for
        own_engine.start()
    _ends_right(workspace)
    workspace.remove()
    assert _parts(engine) == before


def _parts(engine: DockerEngine) -> list[set[str]]:
    """The names of all that is on an engine of our own, whoever made it."""
    found = engine.containers({}), engine.networks({}), engine.volumes({})
    return [{one.name for one in some} for some in found]


@pytest.mark.parametrize("step", ["network", "database"])
def test_a_worker_that_stood_still_past_its_lease_changes_nothing(
    step: str, platform: LivePlatform, sign_up: SignUp
) -> None:
    workspace = sign_up()
    workspace.wait_for_step(step)
    platform.kill("worker", signal.SIGSTOP)
    platform.start_process("worker2")
    try:
        _ends_right(workspace)
        # Whatever the sleeper was about to make would be seen now.
        workspace.change("archive")
        before, said = _traces(workspace), _lost(platform)
        platform.kill("worker", signal.SIGCONT)
        until(lambda: _lost(platform) > said, what="The loss of the lease")
        assert _traces(workspace) == before
    finally:
        platform.kill("worker2")


def _traces(workspace: LiveInstance) -> list[object]:
    """All that a worker could have changed."""
    return [
        workspace.operation(),
        workspace.log(),
        workspace.parts(),
        workspace.rows("SELECT id, type FROM {schema}.events_event ORDER BY id"),
        workspace.rows(
            "SELECT * FROM public.fleet_placement WHERE instance = %s", workspace.instance
        ),
        workspace.rows("SELECT * FROM public.fleet_route WHERE instance = %s", workspace.instance),
    ]


def _lost(platform: LivePlatform) -> int:
    """How often a worker found that another had taken its work."""
    return (platform.folder / "worker.log").read_text().count("lease_lost")


def test_visitors_do_not_notice_that_the_workers_of_a_redeployment_die(
    platform: LivePlatform, acme_workspace: LiveInstance
) -> None:
    number = acme_workspace.deployments()[-1][0] + 1
    with Traffic(platform, acme_workspace.hostname) as traffic:
        acme_workspace.deploy()
        for step in ("start", "health", "route"):
            acme_workspace.wait_for_step(step)
            platform.kill("worker")
            platform.start_process("worker")
        _ends_right(acme_workspace, number)
    assert traffic.failures == {}
