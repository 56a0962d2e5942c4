"""What the clock does for the fleet, beside its own thread."""

import threading
from uuid import uuid4

import pytest

from apps.fleet import edge, engines
from apps.fleet.background import Background
from apps.fleet.models import EdgeState, Server
from apps.work.registry import Beat, beats
from tests.fleet.conftest import eventually, make_server
from tests.fleet.test_routes import HOST, lead


def beat(name: str) -> Beat:
    return next(one for one in beats() if one.name == name)


def test_a_change_of_routes_reaches_the_edge_by_itself(live_database):
    assert beat("fleet.render").every_s == 0.25
    lead(uuid4())
    beat("fleet.render").run()
    eventually(lambda: EdgeState.objects.get().applied == 1)
    assert HOST in edge.edge().routes
    assert beat("fleet.render").run() is False


def test_files_that_the_edge_lost_come_back(live_database, settings, tmp_path):
    settings.EDGE_KIND, settings.EDGE_DIR = "traefik", tmp_path
    edge.edge.cache_clear()
    lead(uuid4())
    edge.render()
    file = tmp_path / "routes.yml"
    file.unlink()
    beat("fleet.heal").run()
    eventually(file.exists)
    assert HOST in file.read_text()


def test_servers_are_probed_every_ten_seconds(live_database):
    make_server()
    engines.fake_engine("fra-1").host.unreachable = True
    assert beat("fleet.probe").every_s == 10
    beat("fleet.probe").run()
    eventually(lambda: Server.objects.get().failed_probes == 1)


@pytest.mark.usefixtures("live_database")
def test_long_work_does_not_pile_up():
    go_on, runs = threading.Event(), []
    work = Background("slow", lambda: (runs.append(1), go_on.wait(20)))
    assert work.start()
    eventually(lambda: runs)
    assert not work.start()
    go_on.set()
    eventually(work.start)
    eventually(lambda: len(runs) == 2)


@pytest.mark.usefixtures("live_database")
def test_a_failure_in_the_background_is_logged_and_the_next_time_is_tried():
    runs = []

    def fail():
        runs.append(1)
        raise ValueError("broken")

    work = Background("failing", fail)
    work.start()
    eventually(lambda: runs)
    eventually(work.start)
    eventually(lambda: len(runs) == 2)
