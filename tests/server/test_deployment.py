"""What starts with the machine at each moment of an upgrade, should it lose its power there."""

from collections.abc import Collection
from pathlib import Path

import pytest

from dotmac.server import deployment as deploying
from dotmac.server import edge
from dotmac.server.deployment import Deployment
from dotmac.server.edge import Answer
from dotmac.server.errors import SetupError
from dotmac.server.links import link
from dotmac.server.options import Options
from dotmac.server.plan import CLOCK, EDGE, WORKER
from dotmac.server.terminal import Terminal
from tests.server.test_parts import laid_out, told


class Kept:
    """Services that do what they are told, but for the worker if that `dies`."""

    def __init__(self, options: Options) -> None:
        self.options = options
        self.running: set[str] = set()
        self.kept: set[str] = set()
        self.dies = False
        # The slot that the edge was led to, and what would have started with the machine then.
        self.moments: list[tuple[str, set[str]]] = []

    def prepare(self, home: Path) -> None:
        """Nothing."""

    def start(self, name: str) -> None:
        """SetupError where it dies."""
        if self.dies and name == WORKER:
            self.dies = False
            raise SetupError("The worker died.")
        self.running.add(name)

    def stop(self, name: str) -> None:
        """It does not run."""
        self.running.discard(name)

    def is_running(self, name: str) -> bool:
        """As told."""
        return name in self.running

    def pid(self, name: str) -> int:
        """Always the same."""
        return int(name in self.running)

    def keep(self, names: Collection[str]) -> None:
        """For the next start of the machine."""
        self.kept = set(names)

    def last_words(self, _name: str, _count: int) -> list[str]:
        """None."""
        return []

    def shut_down(self) -> None:
        """All of them."""
        self.running.clear()


@pytest.fixture
def services(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Kept:
    """A server on which release 0.1 serves from slot a, with an edge that does as it is told."""
    options = told(tmp_path)
    made, layout = Kept(options), options.layout
    serve = edge.serve

    def noted(options: Options, slot: str) -> None:
        made.moments.append((slot, set(made.kept)))
        serve(options, slot)

    monkeypatch.setattr(edge, "write_config", lambda _options: False)
    monkeypatch.setattr(edge, "ask", lambda _options, _slot: Answer(True, "mark", 0))
    monkeypatch.setattr(edge, "serve", noted)
    monkeypatch.setattr(edge, "wait_until_led", lambda _options, _mark: None)
    monkeypatch.setattr(deploying, "manage", lambda *_arguments: [])
    monkeypatch.setattr(deploying, "_ARRIVED_S", 0.0)
    monkeypatch.setattr(deploying, "_SETTLED_S", 0.0)
    old = laid_out(layout, "0.1")
    for name in (EDGE, "web-a", WORKER, CLOCK):
        link(layout.live(name), old.home)
        made.start(name)
    link(layout.current, old.home)
    serve(options, "a")
    made.keep([EDGE, "web-a", WORKER, CLOCK])
    return made


def test_both_web_processes_start_with_the_machine_while_the_edge_changes_over(
    services: Kept,
) -> None:
    new = laid_out(services.options.layout, "0.2")
    Deployment(services.options, services, Terminal()).bring(new)
    assert services.moments == [("b", {EDGE, "web-a", "web-b", WORKER, CLOCK})]
    assert services.kept == {EDGE, "web-b", WORKER, CLOCK}


def test_after_going_back_only_the_one_that_serves_starts_with_the_machine(services: Kept) -> None:
    services.dies = True
    new = laid_out(services.options.layout, "0.2")
    with pytest.raises(SetupError, match="The worker died"):
        Deployment(services.options, services, Terminal()).bring(new)
    assert [slot for slot, _kept in services.moments] == ["b", "a"]
    assert all({"web-a", "web-b"} < kept for _slot, kept in services.moments)
    assert services.kept == {EDGE, "web-a", WORKER, CLOCK}
