"""One platform for all faults; each test leaves it well."""

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from tests.copied import copy_all
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
        copy_all(database_template, platform.environment["DATABASE_URL"])
        platform.start()
        site.let_owner_in()
        yield site
    finally:
        platform.stop()


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
