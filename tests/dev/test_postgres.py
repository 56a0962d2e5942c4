"""The embedded PostgreSQL: a real server in a folder of its own."""

from __future__ import annotations

import os
import signal
import socket
import stat
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
import pytest

from dev import cluster, postgres
from dev.cluster import service_user
from dev.up.options import ROOT
from dotmac.server import proc
from tests.dev.conftest import eventually


@pytest.fixture
def directory(folder: Path) -> Iterator[Path]:
    yield folder / "postgres"
    postgres.destroy(folder / "postgres")


def postmaster(directory: Path) -> int:
    return int((directory / "data" / "postmaster.pid").read_text().splitlines()[0])


def ask(url: str, question: str) -> str:
    with psycopg.connect(url) as connection:
        return str(connection.execute(question).fetchone()[0])


def test_it_starts_answers_and_stops(directory: Path, free_port: int) -> None:
    url = postgres.ensure(directory, free_port)
    assert ask(url, "SELECT current_database()") == "dotmac"
    assert ask(url, "SHOW max_connections") == "200"
    assert ask(url, "SHOW jit") == "off"
    postgres.stop(directory)
    with pytest.raises(psycopg.OperationalError):
        ask(url, "SELECT 1")
    postgres.stop(directory)


def test_a_second_ensure_adopts_the_running_server(directory: Path, free_port: int) -> None:
    url = postgres.ensure(directory, free_port)
    first = postmaster(directory)
    assert postgres.ensure(directory, free_port + 1) == url
    assert postmaster(directory) == first


def test_port_zero_takes_any_free_one(directory: Path) -> None:
    assert ask(postgres.ensure(directory, 0), "SELECT 1") == "1"


def test_rows_survive_a_kill_of_the_postmaster(directory: Path, free_port: int) -> None:
    url = postgres.ensure(directory, free_port)
    with psycopg.connect(url) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 7 AS answer")
    os.kill(postmaster(directory), signal.SIGKILL)
    assert postgres.ensure(directory, free_port) == url
    assert ask(url, "SELECT answer FROM kept") == "7"


def test_a_pid_file_that_names_someone_else_is_cleared(directory: Path, free_port: int) -> None:
    url = postgres.ensure(directory, free_port)
    os.kill(postmaster(directory), signal.SIGKILL)
    pid_file = directory / "data" / "postmaster.pid"
    lines = pid_file.read_text().splitlines()
    stranger = subprocess.Popen(["sleep", "1000"], **service_user())
    try:
        pid_file.write_text("\n".join([str(stranger.pid), *lines[1:]]))
        assert postgres.ensure(directory, free_port) == url
        assert stranger.poll() is None
    finally:
        stranger.kill()
        stranger.wait()


def test_two_at_once_end_with_one_server(directory: Path, free_port: int) -> None:
    command = [sys.executable, "-m", "dev.postgres", "ensure", str(directory), str(free_port)]

    def call(_: int) -> subprocess.CompletedProcess[str]:
        return subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)

    with ThreadPoolExecutor(3) as pool:
        answers = {ran.stdout for ran in pool.map(call, range(3))}
    assert len(answers) == 1
    assert ask(answers.pop().strip(), "SELECT 1") == "1"


def test_a_taken_port_is_named_with_its_holder(directory: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(
            postgres.PostgresError, match=f"Port {port} .* is taken by .*DATABASE_PORT"
        ):
            postgres.ensure(directory, port)


def test_the_password_is_this_user_s_alone_and_is_needed(directory: Path, free_port: int) -> None:
    url = postgres.ensure(directory, free_port)
    password = directory / "password"
    assert stat.S_IMODE(password.stat().st_mode) == 0o600
    with pytest.raises(psycopg.OperationalError, match="password"):
        ask(url.replace(password.read_text().strip(), "guessed"), "SELECT 1")
    arguments = Path(f"/proc/{postmaster(directory)}/cmdline").read_text()
    assert password.read_text().strip() not in arguments


def test_an_initdb_that_was_cut_off_is_done_again(directory: Path, free_port: int) -> None:
    (directory / "data.new").mkdir(parents=True)
    (directory / "data.new" / "PG_VERSION").write_text("18\n")
    assert ask(postgres.ensure(directory, free_port), "SELECT 1") == "1"


def test_the_foreground_server_ends_cleanly_with_its_parent(
    directory: Path, free_port: int
) -> None:
    server = subprocess.Popen(postgres.command(directory, free_port), cwd=ROOT)
    eventually(lambda: postgres.is_ready(directory, free_port), lambda: "no answer")
    assert postmaster(directory) == server.pid
    server.send_signal(signal.SIGINT)
    assert server.wait(60) == 0
    assert not (directory / "data" / "postmaster.pid").exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root runs the server as another user")
def test_root_s_private_folder_is_served_from_elsewhere(folder: Path, free_port: int) -> None:
    folder.chmod(0o700)
    directory = folder / "postgres"
    try:
        assert ask(postgres.ensure(directory, free_port), "SELECT 1") == "1"
        assert not (directory / "data").exists()
    finally:
        postgres.destroy(directory)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root runs the server as another user")
def test_binaries_that_the_server_s_user_cannot_reach_are_copied(
    directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    far = directory.parent / "far"
    far.mkdir()
    monkeypatch.setattr(cluster, "FAR_HOME", far)
    monkeypatch.setattr(cluster, "_is_reachable", lambda path: path.is_relative_to(far.parent))
    assert ask(postgres.ensure(directory, 0), "SELECT 1") == "1"
    assert Path(f"/proc/{postmaster(directory)}/exe").readlink().is_relative_to(far)


def test_a_process_that_ended_is_not_taken_for_its_successor() -> None:
    child = subprocess.Popen(["sleep", "1000"])
    process = proc.find(child.pid)
    assert process
    assert not proc.is_alive(proc.Process(process.pid, process.started + 1))
    proc.end(process)
    assert not proc.is_alive(process)
    child.wait()
