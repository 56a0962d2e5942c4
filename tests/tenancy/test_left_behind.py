"""A tenant whose migration failed, while a release serves that needs it: 503, never half a page."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder
from django.test import Client
from django.utils import timezone

from apps.tenancy.kinds import schema_of
from apps.tenancy.middleware import forget_hosts
from apps.tenancy.models import FailedMigration
from apps.work import registry
from apps.work import services as work
from apps.work.leases import Lease
from apps.work.models import Due
from tests.conftest import Isp

_NEEDED = ("admin", "0003_logentry_add_action_flag_choices")


@pytest.fixture
def failed(operator_schema: None, acme: Isp) -> Iterator[None]:
    """A release could not migrate Acme's console."""
    FailedMigration.objects.create(schema=acme.console, error="…", failed_at=timezone.now())
    forget_hosts()
    yield
    forget_hosts()


@pytest.fixture
def behind(failed: None, acme: Isp) -> None:
    """And this release needs what is missing."""
    with schema_of(acme.console):
        MigrationRecorder(connection).record_unapplied(*_NEEDED)


def ask(path: str = "/accounts/login/", host: str = "acme.dotmac.localhost") -> Any:
    """An answer of a host of Acme's."""
    return Client().get(path, HTTP_HOST=host)


def test_people_are_told_that_it_is_brought_up_to_date(behind: None) -> None:
    page = ask()
    assert (page.status_code, page["Retry-After"], page["Cache-Control"]) == (503, "60", "no-store")
    assert "This site is being brought up to date" in page.content.decode()


def test_programs_get_a_problem(behind: None) -> None:
    answer = ask("/api/v1/instances/")
    assert (answer.status_code, answer["Retry-After"]) == (503, "60")
    assert answer.json()["code"] == "unavailable"
    assert answer["Content-Type"] == "application/problem+json"


def test_its_other_schema_and_other_tenants_are_served(behind: None) -> None:
    assert ask(host="acme.apps.localhost").status_code != 503
    assert ask(host="initech.dotmac.localhost").status_code != 503


def test_the_release_before_which_needs_less_serves_it(failed: None) -> None:
    assert ask().status_code != 503


def test_it_is_served_again_once_it_is_migrated(behind: None, acme: Isp) -> None:
    assert ask().status_code == 503
    with schema_of(acme.console):
        MigrationRecorder(connection).record_applied(*_NEEDED)
    FailedMigration.objects.all().delete()
    forget_hosts()
    assert ask().status_code != 503


def test_its_work_waits_and_loses_no_try(
    behind: None, acme: Isp, run_due, monkeypatch: pytest.MonkeyPatch
) -> None:
    ran: list[str] = []

    def run(lease: Lease) -> None:
        ran.append(lease.schema)
        with lease.atomic():
            work.finish(lease, Due.State.DONE)

    monkeypatch.setitem(registry._runners, "tests.behind", run)
    with schema_of(acme.console):
        due = work.enqueue("tests.behind", "it", title="It")
    assert run_due() == ["waits for its migration"]
    row = Due.objects.get(pk=due.pk)
    assert (row.state, row.stalls, ran) == (Due.State.WAITING, 0, [])
    assert "waits for its migration" in str(row.reason)
    FailedMigration.objects.all().delete()
    Due.objects.filter(pk=due.pk).update(due_at=timezone.now())
    assert "ran" in run_due()
    assert ran == [acme.console]
