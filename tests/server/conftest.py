"""One server for all tests of a module: what each of them begins with is only that it serves."""

import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import pytest
from django.db import connection

from tests.server.load import Site
from tests.server.machine import Machine


@pytest.fixture(scope="session")
def machine() -> Iterator[Machine]:
    """Installed from this checkout."""
    # PostgreSQL's user must reach it, which pytest's own folders forbid.
    folder = Path(tempfile.mkdtemp(prefix="dotmac-server-"))
    folder.chmod(0o755)
    made = Machine(folder)
    made.prepare()
    try:
        said = made.run("install", ALLOW_NO_BACKUP="1")
        assert said.returncode == 0, said.stdout
        made.installed = said.stdout
        yield made
    finally:
        made.stop()
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def site(machine: Machine) -> Site:
    """An ISP on it, and a program's key."""
    machine.act("sign_up", slug="acme", plan="starter", region="local")
    key = machine.act("make_key", slug="acme", level="workspace")["key"]
    ports = machine.options
    return Site(ports.port("EDGE_HTTPS_PORT"), ports.layout.keys / "ca.pem", "acme", key)


@pytest.fixture(scope="module")
def database(open_live_database: Callable[[], AbstractContextManager[str]]) -> Iterator[str]:
    """For web processes without a server around them: with real commits, for the module."""
    with open_live_database() as url:
        yield url
        connection.close()
