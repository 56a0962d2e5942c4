"""The whole disk is full, WAL and all: the database ends, and all goes on once there is room."""

import json
import signal
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
import pytest

from dev.cluster import locate
from dev.postgres import PostgresError
from tests.faults.disks import fill, make_room
from tests.faults.site import DJANGO, LOGIN, Site, load, words
from tests.live_platform import until

# The platform is set up within the test.
pytestmark = pytest.mark.timeout(1200)
_MAILS = 5
_KEY = "dm_0123456789ab_nobody-has-this-one"
_POST = f"""
from apps.branding.mail import Letter
from apps.branding.post import post
from apps.tenancy.kinds import operator
with operator():
    for number in range({_MAILS}):
        post(Letter(f"Number {{number}}", "x", ""), to=["dora@example.com"])
"""
_READ = """
import json
from apps.core.mailbox import messages
print(json.dumps(sorted(one["subject"] for one in messages() if one["to"] == "dora@example.com")))
"""
_SUCCEEDED = """
    SELECT o.uuid, count(e.id) FROM operations_operation AS o LEFT JOIN events_event AS e
    ON e.type = 'operation.succeeded' AND e.data->>'operation' = o.uuid::text
    WHERE o.status = 'succeeded' GROUP BY o.uuid
"""


def test_the_database_ends_and_all_goes_on_once_there_is_room(cramped_site: Site) -> None:
    site, platform = cramped_site, cramped_site.platform
    site.wait_until_well()
    processes = {name: platform.processes[name].pid for name in DJANGO}
    before = _signed_in(site)
    # Nobody reads from it, so that no WAL goes: as docs/runbooks/database-full.md has it.
    site.run_as_superuser("SELECT pg_create_physical_replication_slot('nobody_reads', true)")
    with _asleep(site, "worker"):
        platform.manage("shell", "-c", _POST)
        with load(site, LOGIN) as pages:
            pages.wait_for(200, "A page")
            fill(platform.folder)
            tries = [site.sign_in() for _turn in range(6)]
            _write_until_it_ends(site)
            pages.wait_for(503, "A refusal")
            _assert_told(site)
            with pytest.raises(PostgresError, match="does not answer"):
                platform.start_database()
            platform.kill("worker", signal.SIGCONT)
            make_room(platform.folder)
            platform.start_database()
            pages.wait_for(200, "A page afterwards")
    wrong = [one.text for one in tries if one.status not in (302, 503)]
    assert wrong == []
    assert set(pages.statuses) <= {200, 503}, pages.statuses
    assert (pages.lacks, pages.broken) == ([], [])
    site.run_as_superuser("SELECT pg_drop_replication_slot('nobody_reads')", "CHECKPOINT")
    assert site.sign_in().status == 302
    site.wait_until_well()
    # The same processes, without anybody's hands.
    assert processes == {name: platform.processes[name].pid for name in processes}
    _assert_whole(site, before, accepted=1 + sum(one.status == 302 for one in tries))


@contextmanager
def _asleep(site: Site, name: str) -> Iterator[None]:
    """A process and its children stand still, so that what is asked for meanwhile waits."""
    site.platform.kill(name, signal.SIGSTOP)
    try:
        yield
    finally:
        site.platform.kill(name, signal.SIGCONT)


def _write_until_it_ends(site: Site) -> None:
    """Smaller and smaller, since it comes back as long as its last segment has room for that."""
    for size in (1_000_000, 100_000, 8_000, 500, 500, 500):
        _write_while_it_takes(site, size)
        until(lambda: not _recovers(site), what="The end of its recovery", seconds=60)
        if _is_gone(site):
            return
    raise AssertionError("The database still runs.")


def _write_while_it_takes(site: Site, size: int) -> None:
    """WAL alone; five gigabytes at most."""
    message = f"SELECT pg_logical_emit_message(false, 'x', repeat('x', {size}))"
    for _turn in range(5_000):
        try:
            site.run_as_superuser(message)
        except (psycopg.Error, OSError, IndexError):
            return


def _is_gone(site: Site) -> bool:
    return not locate(site.platform.folder / "postgres").pid_file.exists()


def _recovers(site: Site) -> bool:
    """Whether it is neither gone nor back."""
    if _is_gone(site):
        return False
    try:
        site.run_as_superuser("SELECT 1")
    except (psycopg.Error, OSError, IndexError):
        return True
    return False


def _assert_told(site: Site) -> None:
    """People by a page, programs by a problem, probes by their status."""
    page, ready, alive = site.ask("/"), site.ask("/readyz"), site.ask("/healthz")
    assert words(page) == (503, "5")
    assert "The database does not answer" in page.text
    assert page.headers["cache-control"] == "no-store"
    assert (ready.status, alive.status) == (503, 200)
    assert json.loads(ready.text)["status"] == "not ok"
    refused = site.ask("/api/v1/me/", cookie="", Authorization=f"Bearer {_KEY}")
    assert words(refused) == (503, "5")
    assert json.loads(refused.text)["code"] == "unavailable"


def _assert_whole(site: Site, before: tuple[int, int], *, accepted: int) -> None:
    """Nothing half, nothing lost, nothing twice."""
    sessions, events = (now - then for now, then in zip(_signed_in(site), before, strict=True))
    assert sessions == events
    # One that was kept may have got no answer, but none that got one is lost.
    assert events >= accepted
    sent = json.loads(site.platform.manage("shell", "-v0", "-c", _READ))
    assert sent == [f"Number {number}" for number in range(_MAILS)]
    assert {count for _uuid, count in site.platform.sql(_SUCCEEDED)} == {1}
    assert "checkpoints" in site.platform.manage("verify_events", "--schema", "public")


def _signed_in(site: Site) -> tuple[int, int]:
    sessions = site.platform.sql("SELECT count(*) FROM django_session")
    events = site.platform.sql("SELECT count(*) FROM events_event WHERE type = 'user.signed_in'")
    return int(sessions[0][0]), int(events[0][0])
