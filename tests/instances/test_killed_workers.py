"""A worker that dies at any point of a pipeline: the change ends right, once, nothing doubled."""

from collections import Counter
from collections.abc import Callable, Iterator

import pytest

from apps.operations.pipelines import Step, pipeline_of
from dotmac.engine.fake import FakeEngine, Program
from tests.conftest import ACME
from tests.instances.deaths import die_and_go_on, kill_at
from tests.instances.kept import kept_shop
from tests.instances.world import Shop, arrange_release, furnish, open_shop, order_shop

RunDue = Callable[[], list[str]]

# How often each pipeline calls each method of the engine. A worker is killed before and after
# the first and the last of these calls, and inside of those that do more than one thing.
DEPLOY = {
    "image": 2,
    "ensure_network": 2,
    "ensure_volume": 2,
    "container": 4,
    "ensure_container": 2,
    "run": 2,
}
REDEPLOY = {
    "image": 2,
    "ensure_network": 2,
    "ensure_volume": 2,
    "container": 4,
    "ensure_container": 1,
    "run": 2,
    "containers": 1,
    "stop": 1,
    "remove_container": 1,
}
STOP = {"stop": 2}
START = {"container": 4, "ensure_container": 2}
ARCHIVE = {"containers": 1, "remove_container": 2, "networks": 1, "remove_network": 2}
# Starting finds all containers made.
INSIDE = {"ensure_container": ["ensure_container:created"], "run": ["run:created", "run:started"]}


@pytest.fixture(scope="class")
def ordered(
    django_db_setup: None, django_db_blocker: pytest.FixtureRequest
) -> Iterator[Callable[[], Shop]]:
    """Acme's shop, whose first deployment is queued; made once for a class."""
    with django_db_blocker.unblock(), kept_shop(_order) as shop:  # type: ignore[attr-defined]
        yield shop


@pytest.fixture(scope="class")
def opened(
    django_db_setup: None, django_db_blocker: pytest.FixtureRequest
) -> Iterator[Callable[[], Shop]]:
    """Acme's shop, which serves; made once for a class."""
    with django_db_blocker.unblock(), kept_shop(_open) as shop:  # type: ignore[attr-defined]
        yield shop


def _order(_run_due: RunDue) -> Shop:
    furnish()
    return order_shop(ACME)


def _open(run_due: RunDue) -> Shop:
    made = _order(run_due)
    open_shop(made, run_due)
    return made


@pytest.fixture
def new_shop(ordered: Callable[[], Shop], db: None) -> Shop:
    """As it was then."""
    return ordered()


@pytest.fixture
def running_shop(opened: Callable[[], Shop], db: None) -> Shop:
    """As it was then."""
    return opened()


def moments(calls: dict[str, int]) -> list[tuple[str, int]]:
    """Every point to die at, and how many calls pass before."""
    found = []
    for method, count in calls.items():
        inside = [] if calls is START else INSIDE.get(method, [])
        for point in (method, f"{method}:after", *inside):
            found += [(point, nth) for nth in sorted({0, count - 1})]
    return found


def steps(name: str) -> list[tuple[type[Step], str]]:
    """Every step of a pipeline, before it and after it."""
    return [(step, when) for step in pipeline_of(name).steps for when in ("before", "after")]


def counted(engine: FakeEngine) -> dict[str, int]:
    return dict(Counter(method for method, _name in engine.calls))


def assert_serves(shop: Shop, number: int, release: str) -> None:
    """One deployment runs, on record, reachable, and there is nothing else."""
    assert shop.operation.cause == ""
    assert shop.operation.status == "succeeded"
    assert {step.status for step in shop.operation.steps.all()} == {"done"}
    assert shop.row.status == "active"
    assert shop.row.release == release
    assert shop.containers == {"db": "running", f"web-{number}": "running"}
    assert shop.networks == {"front", "back"}
    assert all(len(one.info.addresses) == len(one.spec.networks) for one in shop.made)
    assert shop.volumes == {"data", "files"}
    assert shop.placements == [(number, "active")]
    assert shop.routes == [([f"web-{number}"], "")]
    assert shop.public_status == 200
    assert shop.happened("instance.deployed") == number
    assert shop.happened("operation.succeeded") == number


def assert_never_was(shop: Shop) -> None:
    """A first deployment failed, and nothing is left of it."""
    assert shop.operation.status == "failed"
    assert shop.row.status == "failed"
    assert shop.containers == {}
    assert shop.networks == set()
    assert shop.volumes == set()
    assert shop.placements == []
    assert shop.routes == []
    assert [status for _n, _r, status in shop.deployments] == ["failed"]
    assert shop.happened("operation.failed") == 1


def assert_old_one_serves(shop: Shop) -> None:
    """A second deployment failed, and the first one serves as before."""
    assert shop.operation.status == "failed"
    assert shop.row.status == "active"
    assert shop.row.release == "1.0"
    assert shop.containers == {"db": "running", "web-1": "running"}
    assert shop.networks == {"front", "back"}
    assert shop.volumes == {"data", "files"}
    assert shop.placements == [(1, "active")]
    assert shop.routes == [(["web-1"], "")]
    assert shop.public_status == 200
    assert shop.deployments == [(1, "1.0", "succeeded"), (2, "2.0", "failed")]
    assert shop.happened("operation.failed") == 1


class TestFirstDeployment:
    def test_the_matrix_knows_all_its_calls(self, new_shop: Shop, run_due: RunDue) -> None:
        run_due()
        assert_serves(new_shop, 1, "1.0")
        assert counted(new_shop.engine) == DEPLOY

    @pytest.mark.parametrize(("point", "nth"), moments(DEPLOY))
    def test_dies_at_a_call_of_the_engine(
        self, new_shop: Shop, run_due: RunDue, point: str, nth: int
    ) -> None:
        new_shop.engine.kill(point, after=nth)
        die_and_go_on(run_due)
        assert_serves(new_shop, 1, "1.0")
        assert new_shop.deployments == [(1, "1.0", "succeeded")]

    @pytest.mark.parametrize(("step", "when"), steps("instances.deploy"))
    def test_dies_between_two_steps(
        self,
        new_shop: Shop,
        run_due: RunDue,
        monkeypatch: pytest.MonkeyPatch,
        step: type[Step],
        when: str,
    ) -> None:
        kill_at(monkeypatch, step, "run", when)
        die_and_go_on(run_due)
        assert_serves(new_shop, 1, "1.0")

    @pytest.mark.parametrize(("step", "when"), steps("instances.deploy")[:-4])
    def test_dies_while_it_takes_back_what_it_made(
        self,
        new_shop: Shop,
        run_due: RunDue,
        monkeypatch: pytest.MonkeyPatch,
        step: type[Step],
        when: str,
    ) -> None:
        programs = new_shop.engine.host.programs
        programs["example/shop:1.0"] = Program(exit_code=3, lasts_s=0)
        kill_at(monkeypatch, step, "undo", when)
        die_and_go_on(run_due)
        assert_never_was(new_shop)


class TestLaterDeployment:
    @pytest.fixture
    def shop(self, running_shop: Shop) -> Shop:
        arrange_release(running_shop, 2)
        running_shop.deploy()
        return running_shop

    def test_the_matrix_knows_all_its_calls(self, shop: Shop, run_due: RunDue) -> None:
        run_due()
        assert_serves(shop, 2, "2.0")
        assert counted(shop.engine) == REDEPLOY

    @pytest.mark.parametrize(("point", "nth"), moments(REDEPLOY))
    def test_dies_at_a_call_of_the_engine(
        self, shop: Shop, run_due: RunDue, point: str, nth: int
    ) -> None:
        shop.engine.kill(point, after=nth)
        die_and_go_on(run_due)
        assert_serves(shop, 2, "2.0")
        assert shop.deployments == [(1, "1.0", "retired"), (2, "2.0", "succeeded")]

    @pytest.mark.parametrize(("step", "when"), steps("instances.deploy"))
    def test_dies_between_two_steps(
        self,
        shop: Shop,
        run_due: RunDue,
        monkeypatch: pytest.MonkeyPatch,
        step: type[Step],
        when: str,
    ) -> None:
        kill_at(monkeypatch, step, "run", when)
        die_and_go_on(run_due)
        assert_serves(shop, 2, "2.0")

    @pytest.mark.parametrize(("step", "when"), steps("instances.deploy")[:-4])
    def test_dies_while_it_takes_back_what_it_made(
        self,
        shop: Shop,
        run_due: RunDue,
        monkeypatch: pytest.MonkeyPatch,
        step: type[Step],
        when: str,
    ) -> None:
        shop.engine.host.programs["example/shop:2.0"] = Program(exit_code=3, lasts_s=0)
        kill_at(monkeypatch, step, "undo", when)
        die_and_go_on(run_due)
        assert_old_one_serves(shop)


EVENTS = {
    "stop": "instance.stopped",
    "suspend": "instance.suspended",
    "start": "instance.started",
    "resume": "instance.resumed",
    "archive": "instance.archived",
}
BEFORE = {"start": ["stop"], "resume": ["suspend"]}
CALLS = {"stop": STOP, "suspend": STOP, "start": START, "resume": START, "archive": ARCHIVE}
PIPELINES = {what: f"instances.{what}" for what in CALLS} | {"resume": "instances.start"}


def assert_changed(shop: Shop, what: str) -> None:
    """The change was made once, and the instance is as it should be then."""
    assert shop.operation.cause == ""
    assert shop.operation.status == "succeeded"
    assert shop.happened(EVENTS[what]) == 1
    assert shop.volumes == {"data", "files"}
    STATES[what](shop)


def _runs(shop: Shop) -> None:
    assert shop.row.status == "active"
    assert shop.containers == {"db": "running", "web-1": "running"}
    assert shop.routes == [(["web-1"], "")]
    assert shop.placements == [(1, "active")]
    assert shop.public_status == 200


def _is_put_away(shop: Shop) -> None:
    assert shop.row.status == "archived"
    assert shop.containers == {}
    assert shop.networks == set()
    assert shop.routes == [([], "archived")]
    assert shop.placements == []
    assert shop.deployments == [(1, "1.0", "retired")]
    assert shop.public_status == 503


def _stands_still(status: str) -> Callable[[Shop], None]:
    def check(shop: Shop) -> None:
        assert shop.row.status == status
        assert shop.containers == {"db": "exited", "web-1": "exited"}
        assert shop.networks == {"front", "back"}
        assert shop.routes == [([], status)]
        assert shop.placements == [(1, "active")]
        assert shop.deployments == [(1, "1.0", "succeeded")]
        assert shop.public_status == 503

    return check


STATES = {
    "stop": _stands_still("stopped"),
    "suspend": _stands_still("suspended"),
    "start": _runs,
    "resume": _runs,
    "archive": _is_put_away,
}


class TestOtherChanges:
    @pytest.fixture
    def begin(self, running_shop: Shop, run_due: RunDue) -> Callable[[str], Shop]:
        """Bring the shop where a change can begin, and start it."""

        def begun(what: str) -> Shop:
            for earlier in BEFORE.get(what, []):
                running_shop.change(earlier)
                run_due()
            running_shop.engine.calls.clear()
            running_shop.change(what)
            return running_shop

        return begun

    @pytest.mark.parametrize("what", CALLS)
    def test_the_matrix_knows_all_their_calls(
        self, begin: Callable[[str], Shop], run_due: RunDue, what: str
    ) -> None:
        shop = begin(what)
        run_due()
        assert_changed(shop, what)
        assert counted(shop.engine) == CALLS[what]

    @pytest.mark.parametrize(
        ("what", "point", "nth"),
        [(what, *moment) for what, calls in CALLS.items() for moment in moments(calls)],
    )
    def test_die_at_a_call_of_the_engine(
        self, begin: Callable[[str], Shop], run_due: RunDue, what: str, point: str, nth: int
    ) -> None:
        shop = begin(what)
        shop.engine.kill(point, after=nth)
        die_and_go_on(run_due)
        assert_changed(shop, what)

    @pytest.mark.parametrize(
        ("what", "moment"),
        [(what, moment) for what, name in PIPELINES.items() for moment in steps(name)],
    )
    def test_die_between_two_steps(
        self,
        begin: Callable[[str], Shop],
        run_due: RunDue,
        monkeypatch: pytest.MonkeyPatch,
        what: str,
        moment: tuple[type[Step], str],
    ) -> None:
        step, when = moment
        shop = begin(what)
        kill_at(monkeypatch, step, "run", when)
        die_and_go_on(run_due)
        assert_changed(shop, what)
