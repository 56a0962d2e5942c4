"""A place off site for the tests of one run, a folder in it for each."""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg
import pytest

from apps.accounts.models import User
from dev import postgres
from dev.cluster import locate
from dev.ports import free_port
from dotmac.backups import Database, Programs, Repository, Store, Target
from dotmac.crypto.secret import Secret
from tests.accounts.conftest import PASSWORD
from tests.backups.acts import ARCHIVING, begun
from tests.backups.offsite import Offsite


@pytest.fixture(scope="session")
def offsite(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Offsite]:
    """A running S3 service."""
    made = Offsite(tmp_path_factory.mktemp("offsite"))
    made.start()
    yield made
    made.stop()


@pytest.fixture
def far_folder() -> Iterator[Path]:
    """A folder that the database's own user reaches; pytest's own are for one user alone."""
    made = Path(tempfile.mkdtemp(prefix="dotmac-backups-"))
    made.chmod(0o711)
    yield made
    shutil.rmtree(made, ignore_errors=True)


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    """A server of its own that archives, as the platform's does."""
    home = Path(tempfile.mkdtemp(prefix="dotmac-cluster-"))
    home.chmod(0o711)
    url = urlsplit(postgres.ensure(home / "postgres", free_port(), settings=ARCHIVING))
    found = locate(home / "postgres")
    password = Secret((found.home / "superuser.password").read_text().strip())
    assert url.port
    programs = Programs.for_owner_of(found.binaries, found.data)
    yield Database(programs, found.root, "127.0.0.1", url.port, password)
    postgres.destroy(home / "postgres")
    shutil.rmtree(home, ignore_errors=True)


@pytest.fixture
def server(cluster: Database) -> Iterator[psycopg.Connection[Any]]:
    """The superuser's connection to it, with an empty table and an empty spool."""
    cluster.open_spool()
    for file in cluster.spool.iterdir():
        file.unlink()
    with psycopg.connect(**cluster.connection, autocommit=True) as connection:
        connection.execute("DROP TABLE IF EXISTS note")
        connection.execute("CREATE TABLE note (text text)")
        yield connection


@pytest.fixture
def store(far_folder: Path) -> Store:
    """A directory as the place off site, where a test can alter what lies there."""
    (far_folder / "offsite").mkdir()
    return Store(Target("directory", str(far_folder / "offsite")), Secret("the key of the backups"))


@pytest.fixture
def repository(store: Store) -> Repository:
    """One that this machine has begun."""
    return begun(store)


@pytest.fixture
def own_database(settings: Any, cluster: Database) -> None:
    """As on a machine whose database is the platform's own."""
    settings.DATABASE_HOME = settings.DATABASE_ROOT = str(cluster.root)
    settings.DATABASE_BINARIES = str(cluster.programs.directory)
    served = {**settings.DATABASES["default"], "HOST": cluster.host, "PORT": cluster.port}
    settings.DATABASES = {**settings.DATABASES, "default": served}


@pytest.fixture
def olga(operator_schema: None) -> User:
    """An owner at the operator."""
    return User.objects.create_user(
        "olga@dotmac.example", PASSWORD, is_staff=True, is_superuser=True
    )
