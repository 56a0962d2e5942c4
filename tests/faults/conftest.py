"""One platform for all faults; each test leaves it well."""

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from tests.faults.disks import mounted
from tests.faults.site import Site, running


@pytest.fixture(scope="package")
def whole_site(tmp_path_factory: pytest.TempPathFactory, database_template: str) -> Iterator[Site]:
    """Database, edge, web, worker and clock; no engine, of which nothing here is asked."""
    with running(tmp_path_factory.mktemp("faults"), database_template) as made:
        yield made


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


@pytest.fixture
def cramped_site(database_template: str) -> Iterator[Site]:
    """A platform whose database, WAL, logs and files share one disk with little room."""
    with TemporaryDirectory(prefix="cramped-") as above:
        Path(above).chmod(0o755)
        with (
            mounted(Path(above) / "disk", megabytes=512) as folder,
            running(folder, database_template) as made,
        ):
            yield made
