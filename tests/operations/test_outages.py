"""The database restarts under a worker; the operation ends right all the same."""

import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.conf import settings

from apps.tenancy.templates import pg_dump
from dev import postgres
from dev.ports import free_port
from tests.operations.demo.pipelines import THINGS
from tests.operations.demo.world import World
from tests.operations.nursery import Nursery, until


class Server:
    """A PostgreSQL of these tests' own, with the schemas of the template."""

    def __init__(self, directory: Path, template: str) -> None:
        self.directory, self.port = directory, free_port()
        self.url = self.start()
        with psycopg.connect(self.url, autocommit=True) as session:
            session.execute(_dump_of(template))

    def start(self) -> str:
        """Start it, again."""
        settings = {**postgres.SETTINGS, "fsync": "off"}
        return postgres.ensure(self.directory, self.port, settings=settings)

    def stop(self) -> None:
        """Stop it and end all sessions."""
        postgres.stop(self.directory)

    def due(self, operation: str) -> Any:
        """State, epoch and end of the lease of an operation."""
        query = "SELECT state, epoch, lease_until FROM public.work_due WHERE subject = %s"
        return self.one(query, operation)

    def one(self, query: str, *values: str) -> Any:
        """The first row of a query."""
        with psycopg.connect(self.url) as session:
            return session.execute(query, values).fetchone()


def _dump_of(template: str) -> str:
    db = settings.DATABASES["default"]
    address = f"postgresql://{db['USER']}:{db['PASSWORD']}@{db['HOST']}:{db['PORT']}/{template}"
    command = [pg_dump(), "--inserts", "--no-owner", "--no-privileges", address]
    dump = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return "\n".join(line for line in dump.splitlines() if not line.startswith("\\"))


@pytest.fixture(scope="module")
def server(database_template: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server to be restarted at will."""
    directory = tmp_path_factory.mktemp("postgres")
    try:
        yield Server(directory, database_template)
    finally:
        postgres.destroy(directory)


@pytest.mark.parametrize(
    ("name", "moment", "state"),
    [("demo.build", "network.run.middle", "done"), ("demo.fail", "network.undo.middle", "failed")],
)
def test_an_operation_outlives_a_restart_of_the_database(
    server: Server, tmp_path: Path, name: str, moment: str, state: str
) -> None:
    nursery, subject = Nursery(server.url, tmp_path), f"restart-{state}"
    world = World(tmp_path, subject)
    world.arrange(moment, "wait")
    operation = nursery.start(name, subject)
    nursery.work()
    until(lambda: world.has_arrived(moment), "The middle of the step")
    server.stop()
    world.open(moment)
    server.start()
    until(lambda: server.due(operation)[0] in ("done", "failed"), "The end of the operation")
    assert server.due(operation)[0] == state
    settled = (
        "SELECT count(*) FROM c_acme.events_event WHERE type = 'demo.settled' AND subject_id = %s"
    )
    assert server.one(settled, subject) == (1,)
    assert world.things() == (sorted(THINGS) if state == "done" else [])
    nursery.close()


def test_a_lease_longer_than_the_outage_is_kept(server: Server, tmp_path: Path) -> None:
    nursery = Nursery(server.url, tmp_path, TEST_LEASE_SECONDS="40")
    world = World(tmp_path, "kept")
    world.arrange("network.run.middle", "wait")
    operation = nursery.start("demo.build", "kept")
    nursery.work()
    until(lambda: world.has_arrived("network.run.middle"), "The middle of the step")
    server.stop()
    server.start()
    _state, epoch, lease_until = server.due(operation)
    until(lambda: server.due(operation)[2] > lease_until, "A heartbeat after the outage")
    assert server.due(operation)[1] == epoch
    world.open("network.run.middle")
    until(lambda: server.due(operation)[0] == "done", "The end of the operation")
    assert world.things() == sorted(THINGS)
    nursery.close()
