"""The foreground of `make up` with stand-in children under a real supervisord."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import pytest

from dev.up.crashes import Crashes
from dev.up.ending import down
from dev.up.options import ROOT, Options
from dotmac.server import proc
from dotmac.server.supervision import State
from dotmac.server.terminal import Terminal
from tests.dev.conftest import StandInRun, eventually

FOREVER = ["sleep", "1000"]
# A queue: a parent whose worker lives on when the parent is killed.
QUEUE = ["sh", "-c", "sleep 1001 & echo $! > {folder}/worker.pid; wait"]


def queue(folder) -> list[str]:
    return [part.format(folder=folder) for part in QUEUE]


def worker_of_queue(folder) -> proc.Process | None:
    text = (folder / "worker.pid").read_text().strip() if (folder / "worker.pid").exists() else ""
    return proc.find(int(text)) if text else None


def test_a_dead_child_is_started_again(run: StandInRun) -> None:
    run.start(lasting=[["web", FOREVER]])
    run.says("ready")
    first = run.pid("web")
    os.kill(first, signal.SIGKILL)
    run.says("web ended unexpectedly")
    run.pid("web", other_than=first)


def test_five_deaths_within_a_minute_end_the_run_with_the_reason(run: StandInRun) -> None:
    run.start(lasting=[["web", FOREVER], ["worker", ["sh", "-c", "echo no such table; exit 3"]]])
    assert run.ends() == 1
    assert "5 times within a minute" in run.output
    assert "no such table" in run.output
    assert "Traceback" not in run.output


def test_deaths_caused_by_the_database_s_own_are_not_counted() -> None:
    crashes = Crashes(["database", "web", "worker"])
    alive = [State(name, 10 + n, "RUNNING", 0, 0) for n, name in enumerate(["database", "web"])]
    assert crashes.note(alive, 0.0) == []
    for second in range(1, 4):
        fallen = [State(name, 0, "BACKOFF", 1, second) for name in ("database", "web")]
        assert len(crashes.note(fallen, float(second))) == 2
    assert not crashes.are_too_many(3.0)


def test_deaths_spread_over_more_than_a_minute_do_not_end_the_run() -> None:
    crashes = Crashes(["web"])
    for count in range(1, 8):
        crashes.note([State("web", 0, "BACKOFF", 1, count)], count * 20.0)
        assert not crashes.are_too_many(count * 20.0)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_an_ending_signal_ends_every_child(run: StandInRun, number: signal.Signals) -> None:
    run.start(lasting=[["web", FOREVER], ["worker", queue(run.options.var.parent)]])
    run.says("ready")
    run.pid("worker")
    run.remember()
    run.process.send_signal(number)
    assert run.ends() == 0
    assert run.survivors() == []


def test_ctrl_c_during_a_step_ends_it_too(run: StandInRun) -> None:
    run.start(before=[["migrate", ["sh", "-c", "echo applying; sleep 1000"]]])
    run.says("applying")
    run.remember()
    run.process.send_signal(signal.SIGINT)
    assert run.ends() == 0
    assert run.survivors() == []


def test_a_failing_step_ends_the_run_with_its_last_words(run: StandInRun) -> None:
    run.start(before=[["migrate", ["sh", "-c", "echo relation exists; exit 1"]]])
    assert run.ends() == 1
    assert "migrate failed" in run.output
    assert "relation exists" in run.output


def test_what_comes_after_may_fail_while_the_platform_stays(run: StandInRun) -> None:
    run.start(lasting=[["web", FOREVER]], after=[["demo", ["false"]], ["last", ["echo", "done"]]])
    run.says("demo failed")
    run.says("done")
    assert run.process.poll() is None


def test_a_foreground_killed_outright_leaves_nothing_behind(run: StandInRun) -> None:
    run.start(lasting=[["web", FOREVER], ["worker", queue(run.options.var.parent)]])
    run.says("ready")
    run.pid("worker")
    run.remember()
    run.process.kill()
    run.ends()
    down(run.options, Terminal())
    assert run.survivors() == []


def test_down_twice_is_as_good_as_once(run: StandInRun) -> None:
    run.start(lasting=[["web", FOREVER]])
    run.says("ready")
    down(run.options, Terminal())
    down(run.options, Terminal())
    assert run.ends() == 0


def test_down_where_nothing_ever_ran(folder) -> None:
    down(Options(ROOT, folder / "var", {}), Terminal())


def test_a_killed_supervisor_takes_its_children_along(run: StandInRun) -> None:
    run.start(lasting=[["web", FOREVER], ["worker", queue(run.options.var.parent)]])
    run.says("ready")
    run.pid("worker")
    run.remember()
    os.kill(run._supervisord.pid, signal.SIGKILL)
    assert run.ends() == 1
    assert "supervisor ended unexpectedly" in run.output
    assert run.survivors() == []


def test_workers_of_a_killed_queue_end_before_the_next_one_starts(run: StandInRun) -> None:
    folder = run.options.var.parent
    run.start(lasting=[["worker", queue(folder)]])
    run.says("ready")
    first = run.pid("worker")
    eventually(lambda: worker_of_queue(folder) is not None, lambda: run.output)
    orphan = worker_of_queue(folder)
    os.kill(first, signal.SIGKILL)
    run.pid("worker", other_than=first)
    eventually(lambda: not proc.is_alive(orphan), lambda: "the old worker lives on")


def test_a_second_run_in_the_same_folder_is_refused(run: StandInRun) -> None:
    run.start(lasting=[["web", FOREVER]])
    run.says("ready")
    second = subprocess.run(
        [sys.executable, "-m", "tests.dev.stand_in", str(run.options.var), str(run._plan)],
        cwd=ROOT, check=False, capture_output=True, text=True,
    )  # fmt: skip
    assert second.returncode == 1
    assert "already runs" in second.stdout


def test_a_run_after_a_killed_one_starts_afresh(run: StandInRun) -> None:
    run.start(lasting=[["web", FOREVER]])
    run.says("ready")
    first = run.pid("web")
    run.process.kill()
    run.ends()
    run.start(lasting=[["web", FOREVER]])
    run.says("ready")
    run.pid("web", other_than=first)
    assert proc.find(first) is None
