"""The distribution's PostgreSQL: which of its clusters is the server's, asked as its owner."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from dotmac.server import proc
from dotmac.server.errors import SetupError

# As Debian and Ubuntu lay them out (postgresql-common).
PROGRAMS = Path("/usr/lib/postgresql")
OWNER = "postgres"
_STARTED_S = 60


@dataclass(frozen=True)
class Cluster:
    """One of those that pg_lsclusters lists."""

    version: int
    name: str
    port: int
    data: Path

    @property
    def programs(self) -> Path:
        """Its server's and its clients'."""
        return PROGRAMS / str(self.version) / "bin"

    def ask(self, statement: str, name: str = "", *, database: str = OWNER) -> str:
        """One statement as its superuser, in which :'name' stands for a text; raises SetupError."""
        command = ["psql", "-X", "-qtA", "-v", "ON_ERROR_STOP=1", f"--port={self.port}"]
        # Variables stand only for what comes by the standard input.
        command += [f"--dbname={database}", "-v", f"name={name}"]
        return _as_owner(command, "PostgreSQL refused.", statement).strip()

    def answers(self) -> bool:
        """Whether it can be asked."""
        try:
            return self.ask("SELECT 1") == "1"
        except SetupError:
            return False

    def start(self) -> None:
        """Start it unless it runs; raises SetupError."""
        if not self.answers():
            self._control("start")
            self._wait()

    def restart(self) -> None:
        """End and start it, for what is read only then; raises SetupError."""
        self._control("restart")
        self._wait()

    def stop(self) -> None:
        """End it cleanly, if it runs."""
        if self.answers():
            self._control("stop")

    def system_id(self) -> str:
        """Which cluster its files are, running or not; empty without files."""
        if not (self.data / "global" / "pg_control").exists():
            return ""
        command = [str(self.programs / "pg_controldata"), str(self.data)]
        said = _as_owner(command, "The database's files cannot be read.")
        lines = (line.partition(":") for line in said.splitlines())
        return next(
            text.strip() for name, _c, text in lines if name == "Database system identifier"
        )

    def _control(self, what: str) -> None:
        program = shutil.which("pg_ctlcluster")
        if program is None:
            raise SetupError("There is no pg_ctlcluster. Install it: apt-get install postgresql")
        command = [program, str(self.version), self.name, what]
        _run(command, f"PostgreSQL {self.version}/{self.name} could not be told to {what}.")

    def _wait(self) -> None:
        # Told by systemd, the command may be back before the cluster is.
        proc.wait_until(self.answers, _STARTED_S)
        self.ask("SELECT 1")


def find(port: int) -> Cluster:
    """The cluster on a port, which need not run; raises SetupError."""
    program = shutil.which("pg_lsclusters")
    if program is None:
        raise SetupError("There is no PostgreSQL here. Install it: apt-get install postgresql")
    for line in _run([program, "--no-header"], "PostgreSQL could not be listed.").splitlines():
        version, name, listens, _status, _owner, data, *_log = line.split()
        if listens == str(port):
            return Cluster(int(version), name, port, Path(data))
    raise SetupError(
        f"There is no PostgreSQL on port {port} here. Make one, as pg_createcluster does, or name "
        "its port by DATABASE_PORT or another server by DATABASE_URL."
    )


def _as_owner(command: Sequence[str], why: str, given: str = "") -> str:
    runuser = shutil.which("runuser")
    if runuser is None or shutil.which(command[0]) is None:
        raise SetupError("There is no PostgreSQL here. Install it: apt-get install postgresql")
    return _run([runuser, "-u", OWNER, "--", *command], why, given)


def _run(command: Sequence[str], why: str, given: str = "") -> str:
    done = subprocess.run(
        command, input=given, capture_output=True, text=True, check=False, cwd="/"
    )
    if done.returncode:
        raise SetupError(f"{why} {done.stderr.strip()}")
    return done.stdout
