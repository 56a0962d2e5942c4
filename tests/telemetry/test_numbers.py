"""Numbers: of all processes, dead ones too; for whoever has the token; with few labels."""

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.db import connection
from django.test import Client

from apps.core.telemetry import readings
from apps.core.telemetry.readings import Measure
from apps.tenancy.kinds import operator, schema_of
from apps.work import services as work
from apps.work.models import Due
from dotmac.telemetry import numbers, process, processes
from tests.conftest import Isp
from tests.live_platform import until
from tests.pages.conftest import browser
from tests.telemetry.conftest import Install
from tests.telemetry.installation import TOKEN, read_numbers

ROOT = Path(__file__).resolve().parents[2]
GUIDE = ROOT / "docs/guides/observability.md"
DASHBOARD = ROOT / "docs/grafana/dotmac.json"
OPERATOR = "dotmac.localhost"
# By what numbers may be told apart, and how many of each there can be at most.
LABELS = {
    "kind": 60,
    "route": 600,
    "status": 10,
    # Of one histogram; each has bounds of its own.
    "le": 12,
    "role": 6,
    "duty": 60,
    "outcome": 4,
    # Of work, of transactions, and of schemas.
    "state": 15,
    "pipeline": 40,
    "server": 2,
    "tries": 2,
    "place": 2,
    "resource": 3,
    "shows": 6,
    "reading": 20,
}


@pytest.fixture
def monitor(db: None, settings: object) -> Client:
    """Who has the token, at the operator's host."""
    settings.METRICS_TOKEN = TOKEN  # type: ignore[attr-defined]
    return Client(headers={"host": OPERATOR, "authorization": f"Bearer {TOKEN}"})


def all_names() -> dict[str, tuple[str, ...]]:
    """Every number of this release, with its labels."""
    read = {one.name: one.labels for one in readings.declared()}
    return {**numbers.declared(), **read, **dict.fromkeys(processes.NAMES, ("role",))}


def test_only_the_operator_s_monitor_sees_numbers(monitor: Client, acme: Isp) -> None:
    assert monitor.get("/metrics").status_code == 200
    for host in ("203.0.113.7", "203.0.113.7:8001", "[2001:db8::1]:8001", "localhost"):
        assert monitor.get("/metrics", headers={"host": host}).status_code == 200
    for host in (acme.console_host, acme.workspace_host, "isp.example", "nobody.apps.localhost"):
        assert monitor.get("/metrics", headers={"host": host}).status_code == 404
    for shown in ("", "Bearer ", "Bearer no", f"Basic {TOKEN}", f"Bearer {TOKEN}x"):
        assert monitor.get("/metrics", headers={"authorization": shown}).status_code == 404


def test_without_a_token_in_the_environment_there_is_no_page(db: None) -> None:
    assert browser(OPERATOR).get("/metrics").status_code == 404
    empty = Client(headers={"host": OPERATOR, "authorization": "Bearer "})
    assert empty.get("/metrics").status_code == 404


def test_every_reading_works_and_every_number_is_there(monitor: Client) -> None:
    found = read_numbers(monitor.get("/metrics").content.decode())
    failed = {key: value for key, value in found.items() if key[0] == "dotmac_reading_failed"}
    assert set(failed.values()) == {0}
    there = {name for name, _labels in found}
    # There is no certificate, no server's clock has ticked, and nothing has come to an end.
    missing = {one.name for one in readings.declared()} - there
    assert missing <= {
        "dotmac_certificate_days_left",
        "dotmac_clock_duty_age_seconds",
        "dotmac_clock_duty_interval_seconds",
    }


def test_work_that_nobody_takes_shows(monitor: Client) -> None:
    with operator():
        due = work.enqueue("retention", "all", title="x")
        Due.objects.filter(pk=due.pk).update(due_at="2020-01-01T00:00Z", stalls=2)
    found = read_numbers(monitor.get("/metrics").content.decode())
    assert found["dotmac_work_items", ("retention", "queued")] == 1
    assert found["dotmac_work_late", ("retention",)] == 1
    assert found["dotmac_work_stalled", ("retention",)] == 1
    assert found["dotmac_work_oldest_due_seconds", ("retention",)] > 1e8


def test_a_reading_that_takes_too_long_is_left_out_of_the_others(
    monitor: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow = Measure("dotmac_test_slow", "Never there.")
    monkeypatch.setattr(readings, "TIMEOUT_MS", 100)
    monkeypatch.setattr(readings, "_sources", dict(readings._sources))

    @readings.reads("slow", slow)
    def _slow() -> Iterator[readings.Sample]:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_sleep(30)")
        yield slow, 1, ()

    found = read_numbers(monitor.get("/metrics").content.decode())
    assert found["dotmac_reading_failed", ("slow",)] == 1
    assert found["dotmac_reading_failed", ("work",)] == 0
    assert ("dotmac_test_slow", ()) not in found


def test_labels_are_few_whatever_is_asked(monitor: Client, initech: Isp) -> None:
    for name, labels in all_names().items():
        assert set(labels) <= set(LABELS), name
    for number in range(30):
        for host in (OPERATOR, initech.console_host, initech.workspace_host, f"x{number}.example"):
            browser(host).get(f"/made-up-{number}/?q={number}")
            browser(host).generic(f"BREW{number}", f"/admin/{number}/made-up/")
    with schema_of(initech.console):
        work.enqueue(f"kind-{initech.slug}", "1", title="of another release")
    text = monitor.get("/metrics").content.decode()
    assert initech.slug not in text
    assert "made-up" not in text
    assert "BREW" not in text
    seen: dict[tuple[str, str], set[str]] = {}
    for number_of, labels in re.findall(r"^(\w+)\{(.*)\}", text, re.MULTILINE):
        for name, value in re.findall(r'(\w+)="([^"]*)"', labels):
            seen.setdefault((number_of, name), set()).add(value)
    many = {one: len(values) for one, values in seen.items() if len(values) > LABELS[one[1]]}
    assert seen
    assert many == {}


def test_the_guide_s_table_is_what_the_code_says() -> None:
    rows = re.findall(r"^\| `(dotmac_\w+)` \| ([^|]*) \|", GUIDE.read_text(), re.MULTILINE)
    written = {name: tuple(re.findall(r"`(\w+)`", labels)) for name, labels in rows}
    assert written == all_names()


def test_the_dashboard_shows_numbers_that_exist() -> None:
    board = json.loads(DASHBOARD.read_text())
    asked = {
        name
        for panel in board["panels"]
        for target in panel.get("targets", [])
        for name in re.findall(r"dotmac_\w+", target["expr"])
    }
    assert len(asked) > 20
    known = all_names()
    assert {
        name for name in asked if re.sub(r"_(bucket|count|sum)$", "", name) not in known
    } == set()


def test_all_processes_are_in_one_answer(install: Install) -> None:
    place = install()
    place.start("web", "worker", "clock")
    # The clock calls it when it starts.
    turns = ("dotmac_work_seconds_count", ("retention", "ran"))
    duty = ("dotmac_clock_duty_runs_total", ("work.wake", "done"))
    until(lambda: place.numbers().get(turns, 0) > 0, what="The worker's number")
    until(lambda: place.numbers().get(duty, 0) > 1, what="The clock's number")
    found = place.numbers()
    roles = {labels[0] for name, labels in found if name == "dotmac_processes"}
    assert roles == {"web", "worker", "clock"}
    assert found["dotmac_process_memory_bytes", ("web",)] > 10_000_000
    age = ("dotmac_clock_duty_age_seconds", ("work.wake",))
    until(lambda: place.numbers().get(age, 99) < 30, what="The clock's note of itself")


def test_what_a_killed_worker_counted_stays_and_its_files_go(install: Install) -> None:
    place = install()
    place.start("web", "worker")
    turns = ("dotmac_work_seconds_count", ("retention", "ran"))

    def work_once(number: int) -> None:
        with operator():
            work.again("retention", "all", title="x")
        until(lambda: place.numbers().get(turns) == number, what=f"Turn {number}")

    work_once(1)
    for number in (2, 3):
        os.killpg(place.processes.pop("worker").pid, signal.SIGKILL)
        until(lambda: not _alive(place.folder / "metrics", "worker"), what="The workers' end")
        place.start("worker")
        work_once(number)
    files = {file.name for file in (place.folder / "metrics").glob("histogram_*")}
    assert "histogram_gone-0-0.db" in files
    assert len([one for one in files if one.startswith("histogram_worker")]) == 1


def _alive(folder: Path, role: str) -> set[str]:
    """Who of a role has counted something and still runs."""
    owners = {file.stem.partition("_")[2] for file in folder.glob(f"*_{role}-*.db")}
    return {one for one in owners if process.is_alive(one)}


_COUNTS = """
import resource, sys
from pathlib import Path
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]), resource.RLIM_INFINITY))
from dotmac.telemetry import numbers, process
process.become("web")
numbers.keep_in(Path(sys.argv[1]))
from prometheus_client import Counter
counter = Counter("dotmac_test", "A test.", ["number"])
for number in range(3000):
    counter.labels(str(number)).inc()
print("went on")
"""


@pytest.mark.parametrize("room", [1000, 70_000, 200_000])
def test_a_full_disk_costs_numbers_not_the_process(tmp_path: Path, room: int) -> None:
    done = subprocess.run(
        [sys.executable, "-c", _COUNTS, str(tmp_path / "metrics"), str(room)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (0, "went on\n"), done.stderr


def test_a_folder_that_cannot_be_made_costs_numbers_only(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    done = subprocess.run(
        [sys.executable, "-c", _COUNTS, str(tmp_path / "file" / "metrics"), "1000000"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (0, "went on\n"), done.stderr
