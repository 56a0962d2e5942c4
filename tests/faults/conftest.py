"""One platform for all faults; each test leaves it well."""

import subprocess
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import psycopg
import pytest
from django.conf import settings

from apps.tenancy.templates import pg_dump
from tests.faults.disks import mounted
from tests.faults.site import Site
from tests.live_platform import LivePlatform


@pytest.fixture(scope="package")
def whole_site(tmp_path_factory: pytest.TempPathFactory, database_template: str) -> Iterator[Site]:
    """Database, edge, web, worker and clock; no engine, of which nothing here is asked."""
    platform = LivePlatform(tmp_path_factory.mktemp("faults"))
    platform.environment["DOTMAC_DOCKER"] = "off"
    site = Site(platform)
    try:
        platform.start_database()
        _copy(database_template, platform.environment["DATABASE_URL"])
        platform.start()
        site.let_owner_in()
        yield site
    finally:
        platform.stop()


def _copy(template: str, target: str) -> None:
    """What the tests' own server has migrated already, into the server of the platform."""
    db = settings.DATABASES["default"]
    source = f"postgresql://{db['USER']}:{db['PASSWORD']}@{db['HOST']}:{db['PORT']}/{template}"
    command = [pg_dump(), "--no-owner", "--inserts", "--rows-per-insert=500", source]
    dump = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    # Without psql's own commands.
    lines = (line for line in dump.splitlines() if not line.startswith("\\"))
    with psycopg.connect(target, autocommit=True) as server:
        server.execute("\n".join(lines))


@pytest.fixture
def site(whole_site: Site) -> Iterator[Site]:
    """The platform, all of which runs."""
    whole_site.platform.start_missing()
    yield whole_site
    whole_site.platform.start_missing()


@pytest.fixture
def small_disk() -> Iterator[Path]:
    """A file system of four megabytes, where the database's user may enter."""
    with TemporaryDirectory(prefix="small-") as above:
        Path(above).chmod(0o755)
        with mounted(Path(above) / "disk", megabytes=4) as folder:
            yield folder
