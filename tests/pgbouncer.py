"""A real PgBouncer before a database, as docs/guides/install.md says to run one."""

import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest

from dev.cluster import environment, service_user
from dev.ports import free_port
from tests.live_platform import until

BINARY = "/usr/sbin/pgbouncer"
_HOST = "127.0.0.1"
_CONFIG = """
[databases]
* = host={host} port={server}

[pgbouncer]
listen_addr = {host}
listen_port = {port}
unix_socket_dir =
auth_type = scram-sha-256
auth_file = {folder}/users.txt
pool_mode = {mode}
max_client_conn = 500
default_pool_size = {size}
query_wait_timeout = 5
server_login_retry = 1
"""


class Bouncer:
    """Its process; `url` names by it the database that it was made for, `port` every other."""

    def __init__(self, database: str, *, mode: str = "session", size: int = 60) -> None:
        self.port = free_port()
        server = urlsplit(database)
        login = server.netloc.rpartition("@")[0]
        self.url = server._replace(netloc=f"{login}@{_HOST}:{self.port}").geturl()
        # Its user must read it, which pytest's own folders forbid.
        self.folder = Path(tempfile.mkdtemp(prefix="pgbouncer-"))
        self._process: subprocess.Popen[bytes] | None = None
        values = {"host": _HOST, "server": server.port, "port": self.port, "folder": self.folder}
        self._write("pgbouncer.ini", _CONFIG.format(**values, mode=mode, size=size))
        self._write("users.txt", f'"{server.username}" "{server.password}"\n')
        self._own(self.folder)

    def _write(self, name: str, text: str) -> None:
        file = self.folder / name
        file.write_text(text)
        file.chmod(0o600)
        self._own(file)

    @staticmethod
    def _own(path: Path) -> None:
        if user := service_user():
            os.chown(path, user["user"], user["group"])

    @property
    def pid(self) -> int:
        """Of its process, which runs."""
        assert self._process is not None
        return self._process.pid

    def start(self) -> None:
        """Start it, and wait until the database answers through it."""
        with (self.folder / "log").open("ab") as log:
            # It refuses root, as PostgreSQL does.
            self._process = subprocess.Popen(
                [BINARY, str(self.folder / "pgbouncer.ini")],
                cwd="/", env=environment(), stdout=log, stderr=log, **service_user(),
            )  # fmt: skip
        until(self._answers, what="An answer through PgBouncer")

    def _answers(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, (self.folder / "log").read_text()
        try:
            psycopg.connect(self.url, connect_timeout=5).close()
        except psycopg.OperationalError:
            return False
        return True

    def stop(self, number: int = signal.SIGTERM) -> None:
        """End it at once; its clients lose their connections."""
        if self._process is not None:
            self._process.send_signal(number)
            self._process.wait(timeout=30)
            self._process = None


@contextmanager
def bouncer(database: str, *, mode: str = "session", size: int = 60) -> Iterator[Bouncer]:
    """One for a while; it is there once .ci/run has installed its packages."""
    if not Path(BINARY).exists():
        pytest.fail("No PgBouncer here: install pgbouncer.")
    made = Bouncer(database, mode=mode, size=size)
    try:
        made.start()
        yield made
    finally:
        made.stop()
        shutil.rmtree(made.folder)
