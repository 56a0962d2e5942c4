"""A machine with the platform's source and its own database, as `make up` would arrange it."""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from pathlib import Path
from urllib import request

import psycopg

from dev import postgres
from dev.cluster import locate
from dev.ports import free_port
from dev.up import platform
from dev.up.options import Options
from dotmac.server import proc
from dotmac.server.keys import ensure_secrets
from tests.killing import kill_when_it_says
from tests.live_platform import ROOT, until

_SOURCE = ("apps", "config", "dev", "dotmac", "locale", "static", "templates", "manage.py")
_PASSED = ("PATH", "HOME", "LANG")


class Machine:
    """A clone in a folder; nothing runs until it is asked for."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True)
        for name in _SOURCE:
            source = ROOT / name
            if source.is_dir():
                ignored = shutil.ignore_patterns("__pycache__")
                shutil.copytree(source, folder / name, ignore=ignored)
            else:
                shutil.copy(source, folder / name)
        self.port = free_port()

    @property
    def options(self) -> Options:
        """What the set-up reads here."""
        return Options.read(self.folder, self._environment)

    @property
    def _environment(self) -> dict[str, str]:
        passed = {name: os.environ[name] for name in _PASSED if name in os.environ}
        return {**passed, "DATABASE_PORT": str(self.port), "DOTMAC_DOCKER": "off"}

    def install(self) -> None:
        """Keys, a database, and the operator's schema."""
        self.options.make_directories()
        ensure_secrets(self.options.var / "secrets.env")
        (self.options.keys / "ca.pem").write_text("the certificate of this installation\n")
        self.start()
        self.manage("migrate_fleet")

    def start(self) -> str:
        """Its database; returns the address."""
        return postgres.ensure(self.options.postgres, self.port)

    def stop(self) -> None:
        """End its database, if there is one."""
        if (self.options.postgres / "password").exists():
            postgres.stop(self.options.postgres)

    def destroy(self) -> None:
        """End its database and delete everything."""
        postgres.destroy(self.options.postgres)
        shutil.rmtree(self.folder)

    def is_lost(self) -> None:
        """kill -9 for the server, and all its files are gone."""
        cluster = locate(self.options.postgres)
        found = proc.find(int(cluster.pid_file.read_text().split()[0]))
        assert found is not None
        proc.send(found, signal.SIGKILL)
        until(lambda: not proc.is_alive(found), what="The end of the server")
        shutil.rmtree(cluster.root, ignore_errors=True)
        shutil.rmtree(self.folder)

    def manage(self, *arguments: str, **more: str) -> str:
        """A command of Django's; AssertionError with its output when it fails."""
        environment = {**self._environment, **platform.told(self.options), **more}
        ran = subprocess.run(
            [sys.executable, "manage.py", *arguments],
            cwd=self.folder, env=environment, capture_output=True, text=True,
            check=False, timeout=600, stdin=subprocess.DEVNULL,
        )  # fmt: skip
        assert ran.returncode == 0, ran.stdout + ran.stderr
        return ran.stdout

    def do(self, program: str) -> str:
        """Run lines of Python inside the operator's schema."""
        lines = "".join(f"    {line}\n" for line in program.strip().splitlines())
        head = "from apps.tenancy.kinds import operator\nwith operator():\n"
        return self.manage("shell", "-v0", "-c", head + lines)

    def rebuild(self, kit: Path, passphrase: str, at: str = "") -> subprocess.CompletedProcess[str]:
        """`make rebuild`, as the Makefile runs it."""
        return subprocess.run(
            _rebuilding(kit, at),
            cwd=self.folder, env={**self._environment, "KIT_PASSPHRASE": passphrase},
            capture_output=True, text=True, check=False, timeout=900, stdin=subprocess.DEVNULL,
        )  # fmt: skip

    def kill_rebuild_after(self, step: str, kit: Path, passphrase: str) -> None:
        """`make rebuild`, ended by SIGKILL as soon as it says that a step is done."""
        environment = {**self._environment, "KIT_PASSPHRASE": passphrase}
        kill_when_it_says(step, _rebuilding(kit), cwd=self.folder, environment=environment)

    @contextmanager
    def serving(self) -> Iterator[int]:
        """Its web process, and nothing beside it; the port, once it says that it can work."""
        port = free_port()
        daphne = str(Path(sys.executable).parent / "daphne")
        command = [daphne, "-b", "127.0.0.1", "-p", str(port), "config.server:application"]
        environment = {**self._environment, **platform.told(self.options)}
        ready = request.Request(f"http://127.0.0.1:{port}/readyz")

        def answers() -> bool:
            try:
                with request.urlopen(ready, timeout=5) as answer:  # nosec B310
                    return bool(answer.status == HTTPStatus.OK)
            except OSError:
                return False

        with subprocess.Popen(command, cwd=self.folder, env=environment) as web:
            try:
                until(answers, what="The web process", seconds=120)
                yield port
            finally:
                web.terminate()

    def sql(self, statement: str) -> list[tuple[object, ...]]:
        """Rows of its database."""
        with psycopg.connect(self.start(), autocommit=True) as connection:
            found = connection.execute(statement)
            return found.fetchall() if found.description else []


def _rebuilding(kit: Path, at: str = "") -> list[str]:
    return [sys.executable, "-m", "dev.up", "rebuild", "--kit", str(kit), "--at", at]
