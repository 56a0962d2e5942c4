"""A dedicated workspace on the real engine: two containers, as tight as the platform runs them."""

import http.client
import threading
import time
import uuid
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple
from urllib.parse import quote

import docker
from cryptography.fernet import Fernet
from docker.errors import NotFound

from tests.docker.busybox import remove_labelled

HOST = "northwind.apps.localhost"
PORT = 8000
MEBIBYTE = 2**20


class Ran(NamedTuple):
    """What a command in a container came to."""

    exit_code: int
    output: str


class WorkspaceStack:
    """Networks, volumes and containers of one workspace, found by a label of its own."""

    def __init__(self, client: docker.APIClient, app: str, postgres: str) -> None:
        self.client = client
        self.app, self.postgres = app, postgres
        self.key = uuid.uuid4().hex[:8]
        self.labels = {"dotmac.platform": "1", "dotmac.test": self.key}
        # Characters that a shell, SQL or a URL would trip over.
        self.password = f'it\'s "{self.key}" \\ $HOME %'
        self.owner = "bob@northwind.example"
        self.identity = str(uuid.uuid4())
        self.tenant = str(uuid.uuid4())
        self.field_key = Fernet.generate_key().decode()

    def name(self, part: str) -> str:
        """The name of a part of this stack."""
        return f"dmimg-{self.key}-{part}"

    def prepare(self) -> None:
        """Make the networks and volumes."""
        self.client.create_network(self.name("front"), labels=self.labels)
        self.client.create_network(self.name("back"), labels=self.labels, internal=True)
        for volume in ("data", "media"):
            self.client.create_volume(self.name(volume), labels=self.labels)

    def start(self) -> None:
        """Start both containers at once, as a first deploy does."""
        starting = threading.Thread(target=self.start_db)
        starting.start()
        self.start_web()
        starting.join()

    def start_db(self, *, password: str | None = None) -> None:
        """Make and start the database."""
        secret = {"POSTGRES_PASSWORD": self.password if password is None else password}
        self._make("db", self.postgres, secret, memory=256, networks=("back",))
        self.client.start(self.name("db"))

    def start_web(self, **environment: str) -> None:
        """Make and start the app."""
        values = {**self.environment(), **environment}
        self._make("web", self.app, values, memory=320, networks=("front", "back"))
        self.client.start(self.name("web"))

    def environment(self) -> dict[str, str]:
        """What the platform gives a workspace's app, and nothing else."""
        return {
            "DOTMAC_ROLE": "isp",
            "DATABASE_URL": f"postgresql://dotmac:{quote(self.password, safe='')}@db:5432/dotmac",
            "SECRET_KEY": "k" * 50,
            "FIELD_KEYS": self.field_key,
            "BASE_DOMAIN": "dotmac.localhost",
            "APPS_DOMAIN": "apps.localhost",
            "WORKSPACE_TENANT": self.tenant,
            "WORKSPACE_SCHEMA": "w_northwind",
            "WORKSPACE_SLUG": "northwind",
            "WORKSPACE_NAME": "Northwind Broadband",
            "WORKSPACE_HOSTNAMES": HOST,
            "OWNER_EMAIL": self.owner,
            "OWNER_IDENTITY": self.identity,
        }

    def remove_container(self, part: str) -> None:
        """Remove a container and keep its volumes."""
        self.client.remove_container(self.name(part), force=True)

    def kill(self, part: str) -> None:
        """SIGKILL for every process of a container; nothing if it has ended already."""
        if self.is_running(part):
            self.client.kill(self.name(part))

    def is_running(self, part: str) -> bool:
        """Whether a container runs."""
        return bool(self.client.inspect_container(self.name(part))["State"]["Running"])

    def run(self, part: str, *command: str) -> Ran:
        """Run a command in a running container."""
        exec_id = self.client.exec_create(self.name(part), list(command))["Id"]
        output = self.client.exec_start(exec_id).decode()
        return Ran(self.client.exec_inspect(exec_id)["ExitCode"], output)

    def sql(self, statement: str, *, user: str = "dotmac") -> str:
        """The rows of a statement, columns by |, as the container's own user."""
        ran = self.run("db", "psql", "-U", user, "-qAtc", statement)
        assert ran.exit_code == 0, ran.output
        return ran.output.strip()

    def log(self, part: str) -> str:
        """All that a container wrote."""
        return self.client.logs(self.name(part)).decode()

    def get(self, path: str, host: str = HOST) -> tuple[int, str]:
        """Status and body of a page, as the edge asks for it."""
        facts = self.client.inspect_container(self.name("web"))
        address = facts["NetworkSettings"]["Networks"][self.name("front")]["IPAddress"]
        connection = http.client.HTTPConnection(address, PORT, timeout=20)
        try:
            headers = {"Host": host, "X-Forwarded-Proto": "https", "X-Forwarded-For": "192.0.2.7"}
            connection.request("GET", path, headers=headers)
            response = connection.getresponse()
            return response.status, response.read().decode()
        finally:
            connection.close()

    def is_serving(self) -> bool:
        """Whether the app answers with a read of its database."""
        try:
            return self.get("/readyz")[0] == 200
        except (OSError, http.client.HTTPException, KeyError):
            return False

    def wait_serving(self) -> None:
        """Wait until it serves; the failure has both logs."""
        wait_until(self.is_serving, self._logs)

    def child(self, name: str) -> int:
        """The pid, in its container, of one of the app's processes; 0 while it is away."""
        found = self.run("web", "sh", "-c", f"grep -lx {name} /proc/[0-9]*/comm").output
        pids = [int(path.split("/")[2]) for path in found.split()]
        return min(pids, default=0)

    def pss_bytes(self, part: str) -> int:
        """Proportional memory of all processes of a container."""
        script = "cat /proc/[0-9]*/smaps_rollup 2>/dev/null | grep ^Pss: || true"
        lines = self.run(part, "sh", "-c", script).output.splitlines()
        return sum(int(line.split()[1]) for line in lines) * 1024

    def remove(self) -> None:
        """Remove all of it."""
        remove_labelled(self.client, f"dotmac.test={self.key}")

    def _logs(self) -> str:
        found = []
        for part in ("db", "web"):
            try:
                found.append(f"{part}:\n{self.log(part)[-3000:]}")
            except NotFound:
                continue
        return "\n".join(found)

    def _make(
        self,
        part: str,
        image: str,
        environment: Mapping[str, str],
        *,
        memory: int,
        networks: tuple[str, ...],
    ) -> None:
        volume, target = (
            ("data", "/var/lib/postgresql/data") if part == "db" else ("media", "/media")
        )
        config = self.client.create_host_config(
            binds={self.name(volume): {"bind": target}},
            mem_limit=memory * MEBIBYTE,
            memswap_limit=memory * MEBIBYTE,
            read_only=True,
            tmpfs={"/tmp": "", "/run": ""},
            cap_drop=["ALL"],
            security_opt=["no-new-privileges"],
            pids_limit=256,
            init=True,
            network_mode=self.name(networks[0]),
        )
        place = self.client.create_endpoint_config(aliases=[part])
        self.client.create_container(
            image,
            name=self.name(part),
            user="10001:10001",
            environment=dict(environment),
            labels=self.labels,
            host_config=config,
            networking_config=self.client.create_networking_config({self.name(networks[0]): place}),
        )
        for network in networks[1:]:
            self.client.connect_container_to_network(
                self.name(part), self.name(network), aliases=[part]
            )


def wait_until(
    is_so: Callable[[], Any], describe: Callable[[], str] = lambda: "", limit_s: float = 90
) -> None:
    """Poll until it is so; AssertionError with the description at the limit."""
    limit = time.monotonic() + limit_s
    while not is_so():
        assert time.monotonic() < limit, f"It did not become so.\n{describe()}"
        time.sleep(0.02)
