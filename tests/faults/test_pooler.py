"""Behind PgBouncer: it ends and comes back, or the database behind it does; nobody hangs."""

import signal
from collections.abc import Iterator

import pytest

from tests.faults.site import DJANGO, Site, assert_over_by_itself
from tests.live_platform import until
from tests.pgbouncer import Bouncer, bouncer

# The platform is set up within the first test.
pytestmark = pytest.mark.timeout(1200)

_CHECKS = ("clock", "workers", "database.pooler")


def restart(site: Site, url: str) -> None:
    """Web, worker and clock on another address of the same database."""
    platform = site.platform
    for name in DJANGO:
        platform.processes[name].terminate()
        platform.processes[name].wait(timeout=90)
    platform.environment["DATABASE_URL"] = url
    for name in DJANGO:
        platform.start_process(name)
    until(platform.is_ready, what="The platform's readiness", seconds=90)


@pytest.fixture
def between(site: Site) -> Iterator[Bouncer]:
    """What stands between all processes and the database."""
    direct = site.platform.environment["DATABASE_URL"]
    with bouncer(direct) as made:
        restart(site, made.url)
        yield made
        restart(site, direct)


def statuses(site: Site) -> dict[str, str]:
    """How the checks stand that look at sessions."""
    rows = site.platform.sql(
        "SELECT name, status FROM doctor_checkstate WHERE name = ANY(%s)", list(_CHECKS)
    )
    return dict(rows)


@pytest.mark.parametrize("what", ["pooler", "database"])
def test_a_restart_is_a_503_that_is_over_by_itself(site: Site, between: Bouncer, what: str) -> None:
    platform = site.platform
    if what == "pooler":
        assert_over_by_itself(site, lambda: between.stop(signal.SIGKILL), between.start)
    else:
        assert_over_by_itself(site, platform.kill_database, platform.start_database)
    # Seen by their sessions, which keep their names.
    assert statuses(site) == dict.fromkeys(_CHECKS, "ok")
