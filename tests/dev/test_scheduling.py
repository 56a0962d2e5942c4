"""Tests that share what is slow to make stay together, and the longest are begun first."""

from types import SimpleNamespace

import pytest

from dev.up.options import ROOT
from tests.scheduling import UNITS, ByUnit, longest_first, unit_of


@pytest.mark.parametrize("path", [path for paths in UNITS.values() for path in paths])
def test_every_unit_is_there(path: str) -> None:
    assert (ROOT / path).exists()


def test_what_shares_a_platform_is_one_unit_and_a_file_is_one_by_itself() -> None:
    first, second = "tests/docker/test_engine.py::test_a", "tests/e2e/test_story.py::test_b[x::y]"
    assert unit_of(first) == unit_of(second) == "platform"
    assert unit_of("tests/lists/test_rows.py::Test::test_c") == "tests/lists/test_rows.py"


def test_units_come_first_in_their_order_and_files_stay_in_theirs() -> None:
    names = ["lists/b", "server/x", "lists/a", "docker/y", "e2e/z"]
    items = [SimpleNamespace(nodeid=f"tests/{name}.py::test") for name in names]
    longest_first(items)  # type: ignore[arg-type]
    found = [item.nodeid.removeprefix("tests/").removesuffix(".py::test") for item in items]
    assert found == ["docker/y", "e2e/z", "server/x", "lists/b", "lists/a"]


class Worker:
    """A process that tests are given to, as xdist sees it."""

    shutting_down = False
    gateway = SimpleNamespace(id="one")

    def __init__(self) -> None:
        self.given: list[int] = []

    def send_runtest_some(self, numbers: list[int]) -> None:
        """More tests to run."""
        self.given += numbers

    def shutdown(self) -> None:
        """There are no more."""
        self.shutting_down = True


def test_a_unit_of_one_long_test_is_not_put_last(pytestconfig: pytest.Config) -> None:
    tests = ["tests/docker/test_a.py::a", "tests/backups/test_rebuild.py::b"]
    tests += [f"tests/lists/test_rows.py::{number}" for number in range(9)]
    option = SimpleNamespace(**{**vars(pytestconfig.option), "tx": ["2*popen"]})
    scheduler = ByUnit(SimpleNamespace(option=option, getvalue=lambda name: getattr(option, name)))
    workers = [Worker(), Worker()]
    for worker in workers:
        scheduler.add_node(worker)
        scheduler.add_node_collection(worker, tests)
    scheduler.schedule()
    assert [worker.given[0] for worker in workers] == [0, 1]
