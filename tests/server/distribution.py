"""A server on the distribution's own PostgreSQL, with a cluster and a system's user of its own."""

import json
import os
import pwd
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

from dev.ports import free_port
from dotmac.server import cluster, machine, proc
from dotmac.server.cluster import PROGRAMS, Cluster
from tests.live_platform import ROOT, until
from tests.server.machine import Machine

# Nobody misses it when the power fails.
_FORGETFUL = ("fsync=off", "full_page_writes=off")


def why_not() -> str:
    """What keeps such servers from being made here; empty: nothing."""
    if os.geteuid() != 0 or not PROGRAMS.is_dir():
        return "Only root makes clusters of the distribution's PostgreSQL, where it is installed."
    if not all(machine.is_open_to(Path(one)) for one in (sys.base_prefix, sys.prefix)):
        return f"No user of the system's own reaches the Python in {sys.base_prefix}."
    return ""


class Distribution(Machine):
    """One of several on this machine: files in its folder, a cluster by its name."""

    def __init__(self, folder: Path, user: str) -> None:
        self.user = user
        self.port = free_port()
        super().__init__(folder)

    def _make_database(self) -> dict[str, str]:
        command = [
            "pg_createcluster",
            str(_version()),
            self._cluster_name,
            "--port",
            str(self.port),
        ]
        command += ["--start-conf", "manual"]
        command += [part for one in _FORGETFUL for part in ("-o", one)]
        subprocess.run(command, check=True, capture_output=True)
        return {"DATABASE_PORT": str(self.port), "SYSTEM_USER": self.user}

    def _end_database(self) -> None:
        drop = ["pg_dropcluster", "--stop", str(_version()), self._cluster_name]
        subprocess.run(drop, check=False, capture_output=True)

    @property
    def cluster(self) -> Cluster:
        """Its PostgreSQL."""
        return cluster.find(self.port)

    @property
    def _cluster_name(self) -> str:
        # Of temporary folders of one run, none is named as another's.
        return f"{self.folder.parent.name}_{self.folder.name}".replace("-", "_").lower()

    def manage(self, arguments: str, **more: str) -> str:
        """A command of Django's by the services' user; AssertionError with its words."""
        ran = self.run(f"manage {arguments}", **more)
        assert ran.returncode == 0, ran.stdout
        return ran.stdout

    def do(self, program: str) -> str:
        """Run lines of Python inside the operator's schema, as the services' user."""
        lines = "".join(f"    {line}\n" for line in program.strip().splitlines())
        code = f"from apps.tenancy.kinds import operator\nwith operator():\n{lines}"
        command = [sys.executable, "-m", "dotmac.server", "manage", "shell", "-v0", "-c", code]
        ran = subprocess.run(
            command, cwd=ROOT, env=self.environment, check=False, capture_output=True, text=True
        )
        assert ran.returncode == 0, ran.stdout + ran.stderr
        return ran.stdout

    def sql(self, statement: str) -> list[tuple[Any, ...]]:
        """Rows of a query by the database's superuser."""
        rows = f"SELECT coalesce(json_agg(found), '[]') FROM ({statement}) found"
        found = json.loads(self.cluster.ask(rows, database="dotmac"))
        return [tuple(row.values()) for row in found]

    def is_lost(self) -> None:
        """kill -9 for the database, the end of everything else, and all files are gone."""
        pid = int((self.cluster.data / "postmaster.pid").read_text().split()[0])
        found = proc.find(pid)
        assert found is not None
        proc.send(found, signal.SIGKILL)
        until(lambda: not proc.is_alive(found), what="The end of the database")
        self.stop()
        shutil.rmtree(self.folder)


def remove_user(name: str) -> None:
    """Take a user away that an installation made."""
    try:
        pwd.getpwnam(name)
    except KeyError:
        return
    subprocess.run(["userdel", name], check=False, capture_output=True)


def _version() -> int:
    """The newest that is installed."""
    return max(int(one.name) for one in PROGRAMS.iterdir() if one.name.isdigit())
