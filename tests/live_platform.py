"""A whole platform of a test's own: database, edge, web, worker and clock as real processes.

Everything lies in one folder and on free ports, so it runs beside `make up` and other tests.
Any part can be killed, stopped and started again; the containers it made go at the end.
"""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg
from cryptography.fernet import Fernet

from dev import postgres
from dev.cluster import locate
from dev.ports import free_port
from dotmac.crypto.keys import SigningKey
from dotmac.crypto.local_ca import ensure_certificate, ensure_local_ca
from dotmac.edge.probe import ProbeResult, probe
from dotmac.edge.traefik import binary
from dotmac.edge.traefik_config import static_config
from dotmac.engine.docker import DockerEngine
from dotmac.server import proc

ROOT = Path(__file__).resolve().parents[1]
BASE, APPS = "dotmac.localhost", "apps.localhost"
PROCESSES = ("edge", "web", "worker", "clock")


class ActError(Exception):
    """The platform refused; its arguments are the error's name and message."""


def until(is_so: Callable[[], Any], *, what: str, seconds: float = 60) -> Any:
    """Wait until it is so and return it; TimeoutError naming `what`."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        found = is_so()
        if found:
            return found
        time.sleep(0.05)
    raise TimeoutError(f"{what} did not happen in {seconds} s")


class LivePlatform:
    """The processes of one platform, by name: database, edge, web, worker, clock."""

    def __init__(self, folder: Path, *, workers: int = 2, lease_s: float = 4.0) -> None:
        self.folder = folder
        names = ("http", "https", "ping", "web", "database")
        self.ports = {name: free_port() for name in names}
        self.processes: dict[str, subprocess.Popen[bytes]] = {}
        self.environment = self._environment(workers, lease_s)
        self.instances: list[str] = []
        self._desk: subprocess.Popen[str] | None = None

    def _environment(self, workers: int, lease_s: float) -> dict[str, str]:
        ca = ensure_local_ca(self.folder / "keys")
        ensure_certificate(
            ca, self.folder / "keys", [BASE, f"*.{BASE}", APPS, f"*.{APPS}", "localhost"]
        )
        given = {
            "DJANGO_SETTINGS_MODULE": "config.settings.dev",
            "SECRET_KEY": "a-live-platform-of-a-test-" * 2,
            "FIELD_KEYS": Fernet.generate_key().decode(),
            "PLATFORM_SIGNING_KEY": SigningKey.generate().to_pem().reveal(),
            "VAR_DIR": str(self.folder),
            "BASE_DOMAIN": BASE,
            "APPS_DOMAIN": APPS,
            "EDGE_HTTP_PORT": str(self.ports["http"]),
            "EDGE_HTTPS_PORT": str(self.ports["https"]),
            "WEB_PORT": str(self.ports["web"]),
            "WORKERS": str(workers),
            "LEASE_SECONDS": str(lease_s),
            "HEARTBEAT_SECONDS": str(lease_s / 4),
            "REAP_SECONDS": "1",
            "PYTHONUNBUFFERED": "1",
            # Apart from other platforms on this engine, also before those have networks.
            "LOCAL_ADDRESS_PREFIX": f"10.{100 + 2 * (os.getpid() % 45)}",
        }
        inherited = {k: v for k, v in os.environ.items() if k not in ("DOTMAC_ROLE", "REDIS_URL")}
        return {**inherited, **given}

    def start(self) -> None:
        """Bring everything up, ready to take sign-ups and deployments."""
        (self.folder / "edge").mkdir(parents=True, exist_ok=True)
        self.start_database()
        self.manage("migrate_fleet")
        self.manage("platform_prepare")
        self._take_addresses()
        self.start_missing()

    def start_missing(self) -> None:
        """Start whatever of it does not run, and wait until it takes requests."""
        self.start_database()
        for name in PROCESSES:
            if not self.is_running(name):
                self.start_process(name)
        until(self.is_ready, what="The platform's readiness", seconds=90)

    def is_running(self, name: str) -> bool:
        """Whether a process is there and has not ended."""
        return name in self.processes and self.processes[name].poll() is None

    def _take_addresses(self) -> None:
        """Networks of its own: another platform may use the same engine at the same time."""
        if not self.sql("SELECT 1 FROM fleet_server"):
            return
        subnets = [network.subnet or "" for network in DockerEngine().networks({})]
        taken = {subnet.rsplit(".", 2)[0] for subnet in subnets}
        free = [n for n in range(100, 200, 2) if not {f"10.{n}", f"10.{n + 1}"} & taken]
        # Two that start together see the same networks: each begins elsewhere.
        chosen = free[self.ports["http"] % len(free)]
        self.sql("UPDATE fleet_server SET address_prefix = %s", f"10.{chosen}")

    def start_database(self) -> None:
        """Start PostgreSQL, or recover it."""
        url = postgres.ensure(self.folder / "postgres", self.ports["database"])
        self.environment["DATABASE_URL"] = url

    def stop_database(self) -> None:
        """Stop PostgreSQL, ending its connections."""
        postgres.stop(self.folder / "postgres")

    def kill_database(self) -> None:
        """SIGKILL for the server of the database; its children end by themselves."""
        pid = int(locate(self.folder / "postgres").pid_file.read_text().split()[0])
        found = proc.find(pid)
        assert found is not None, "The database does not run."
        proc.send(found, signal.SIGKILL)
        until(lambda: not proc.is_alive(found), what="The end of the database")

    def kill_everything(self) -> None:
        """What a power cut does to the platform; the engine's machine keeps running."""
        for name in PROCESSES:
            os.killpg(self.processes[name].pid, signal.SIGKILL)
        self.kill_database()
        for name in PROCESSES:
            self.processes[name].wait(timeout=30)

    def command_of(self, name: str) -> list[str]:
        """What a process runs; a name may end in a number, for a second one."""
        name = name.rstrip("0123456789")
        python = sys.executable
        if name == "edge":
            return [str(binary()), f"--configFile={self._edge_config()}"]
        if name == "web":
            daphne = str(Path(python).parent / "daphne")
            port = str(self.ports["web"])
            return [
                daphne,
                "--verbosity",
                "0",
                "-b",
                "127.0.0.1",
                "-p",
                port,
                "config.server:application",
            ]
        return [python, "manage.py", {"worker": "qcluster", "clock": "clock"}[name]]

    def start_process(self, name: str) -> None:
        """Start one process in a group of its own, so that a kill takes its children too."""
        log = (self.folder / f"{name}.log").open("ab")
        self.processes[name] = subprocess.Popen(
            self.command_of(name),
            cwd=ROOT,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )

    def kill(self, name: str, number: int = signal.SIGKILL) -> None:
        """Send a signal to a process and its children; after SIGKILL they are gone."""
        process = self.processes[name]
        os.killpg(process.pid, number)
        if number in (signal.SIGKILL, signal.SIGTERM):
            process.wait(timeout=30)

    def act(self, act: str, **arguments: Any) -> dict[str, Any]:
        """Have somebody do something, in a process of its own; ActError when it is refused."""
        if self._desk is None:
            self._desk = self._open_desk()
        assert self._desk.stdin is not None
        assert self._desk.stdout is not None
        self._desk.stdin.write(json.dumps({"act": act, "with": arguments}) + "\n")
        self._desk.stdin.flush()
        answer: dict[str, Any] = json.loads(self._desk.stdout.readline())
        if "error" in answer:
            raise ActError(answer["error"], answer["message"])
        result: dict[str, Any] = answer["result"]
        return result

    def _open_desk(self) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-m", "tests.docker.actions"],
            cwd=ROOT,
            env=self.environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=(self.folder / "actions.log").open("ab"),
            text=True,
        )

    def manage(self, *arguments: str) -> str:
        """Run a management command; AssertionError with its output when it fails."""
        done = subprocess.run(
            [sys.executable, "manage.py", *arguments],
            cwd=ROOT,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def sql(self, statement: str, *values: Any) -> list[tuple[Any, ...]]:
        """Rows of a query on the platform's database."""
        with psycopg.connect(self.environment["DATABASE_URL"], autocommit=True) as server:
            found = server.execute(statement, values)
            return found.fetchall() if found.description else []

    def is_ready(self) -> bool:
        """Whether the web process answers through the edge."""
        return self.get(BASE, "/readyz", tls=False).status == 200

    def get(self, host: str, path: str = "/", *, tls: bool = True) -> ProbeResult:
        """A GET through the edge, as a browser would send it."""
        port = self.ports["https" if tls else "http"]
        ca = self.folder / "keys" / "ca.pem" if tls else None
        return probe(("127.0.0.1", port), host, path, tls=ca, timeout_s=10, expect=range(100, 600))

    def stop(self) -> None:
        """End everything that was started; containers stay."""
        with contextlib.suppress(psycopg.Error):
            self._note_instances()
        if self._desk is not None:
            self._desk.communicate(timeout=30)
        for process in self.processes.values():
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGCONT)
                # Its children are its own affair: the queue's parent would replace them.
                process.terminate()
        for process in self.processes.values():
            try:
                process.wait(timeout=20)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
        self.stop_database()

    def remove_containers(self) -> None:
        """Remove what its instances left on the engine, volumes too."""
        engine = DockerEngine()
        for instance in self.instances:
            labels = {"dotmac.instance": instance}
            for container in engine.containers(labels):
                engine.remove_container(container.name)
            for network in engine.networks(labels):
                engine.remove_network(network.name)
            for volume in engine.volumes(labels):
                engine.remove_volume(volume.name)

    def _note_instances(self) -> None:
        """Remember whose containers to remove, while the database can still be asked."""
        rows = self.sql("SELECT DISTINCT instance FROM fleet_placement WHERE server_id IS NOT NULL")
        self.instances = [row[0].hex for row in rows]

    def _edge_config(self) -> Path:
        config = static_config(
            directory=self.folder / "edge",
            http=f"127.0.0.1:{self.ports['http']}",
            https=f"127.0.0.1:{self.ports['https']}",
            ping=f"127.0.0.1:{self.ports['ping']}",
        )
        file = self.folder / "traefik.yml"
        file.write_text(json.dumps(config))
        return file
