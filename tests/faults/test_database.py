"""The database stops, dies, takes no more connections or no writes: nobody hangs, all goes on."""

import json
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.faults.site import LOGIN, Site, assert_over_by_itself, load, log_of, words
from tests.live_platform import until

# The platform is set up within the first test.
pytestmark = pytest.mark.timeout(1200)

# Of the form of a key, so that the database has to be asked; another one is refused at once.
_PATH_TOKEN = "3x-abcdefghijklmnop-0123456789"
_KEY = "dm_0123456789ab_nobody-has-this-one"


@pytest.mark.parametrize("how", ["stopped", "killed"])
def test_a_restart_under_load_is_a_503_that_is_over_by_itself(site: Site, how: str) -> None:
    platform = site.platform
    go_away = platform.stop_database if how == "stopped" else platform.kill_database
    assert_over_by_itself(site, go_away, platform.start_database)


def test_programs_and_probes_are_told_in_their_own_form(site: Site) -> None:
    site.platform.stop_database()
    try:
        refused = site.ask("/api/v1/me/", cookie="", Authorization=f"Bearer {_KEY}")
        ready, alive = site.ask("/readyz"), site.ask("/healthz")
        page = site.ask("/")
        # What lets somebody in may be in a path, and is in no log.
        site.ask(f"/accounts/password/reset/key/{_PATH_TOKEN}/")
        site.ask(f"/api/v1/operations/{_PATH_TOKEN}/", cookie="", Authorization=f"Bearer {_KEY}")
    finally:
        site.platform.start_database()
    assert _PATH_TOKEN not in log_of(site, "web")
    assert words(refused) == (503, "5")
    assert refused.headers["content-type"] == "application/problem+json"
    problem = json.loads(refused.text)
    assert (problem["code"], problem["status"]) == ("unavailable", 503)
    assert (ready.status, alive.status) == (503, 200)
    assert words(page) == (503, "5")
    assert page.headers["cache-control"] == "no-store"
    assert "The database does not answer" in page.text
    site.wait_until_well()


@contextmanager
def read_only(site: Site) -> Iterator[None]:
    """As a provider does whose limit is reached."""
    site.run_as_superuser("ALTER DATABASE dotmac SET default_transaction_read_only = on")
    site.end_sessions()
    try:
        yield
    finally:
        site.run_as_superuser("ALTER DATABASE dotmac RESET default_transaction_read_only")
        site.end_sessions()


def test_a_database_that_takes_no_writes_is_read(site: Site) -> None:
    with read_only(site):
        until(lambda: site.ask("/").status == 200, what="The front page", seconds=60)
        assert site.ask(LOGIN, cookie="").status == 200
        for path in ("/", "/admin/", "/admin/work/due/", "/admin/doctor/checkup/now/"):
            assert site.ask(path).status == 200, path
        refused = site.sign_in()
        assert words(refused) == (503, "60")
        assert "Read-only at the moment" in refused.text
        begun = site.post("/admin/doctor/checkup/now/", {})
        assert words(begun) == (503, "60")
        assert site.ask("/readyz").status == 200
        # Beats that are refused are lines, not pages, of the log.
        until(lambda: "beat_refused" in log_of(site, "clock"), what="A refused beat", seconds=60)
    site.wait_until_well()
    assert site.sign_in().status == 302


def test_without_a_free_connection_visitors_are_told_to_wait(site: Site) -> None:
    site.run_as_superuser("ALTER ROLE dotmac CONNECTION LIMIT 0")
    site.end_sessions()
    try:
        with load(site, LOGIN) as pages:
            pages.wait_for(503, "A refusal")
            site.run_as_superuser("ALTER ROLE dotmac CONNECTION LIMIT -1")
            pages.wait_for(200, "A page afterwards")
    finally:
        site.run_as_superuser("ALTER ROLE dotmac CONNECTION LIMIT -1")
    assert set(pages.statuses) <= {200, 503}, pages.statuses
    assert pages.lacks == pages.broken == []
    site.wait_until_well()


def test_a_table_dropped_by_hand_hurts_its_own_pages_only(site: Site) -> None:
    site.platform.sql("ALTER TABLE public.billing_plan RENAME TO billing_plan_lost")
    try:
        assert site.ask("/admin/billing/plan/").status == 500
        assert site.ask(LOGIN, cookie="").status == 200
        said = site.platform.sql("SELECT 1")
        assert said == [(1,)]
    finally:
        site.platform.sql("ALTER TABLE public.billing_plan_lost RENAME TO billing_plan")
    assert site.ask("/admin/billing/plan/").status == 200
