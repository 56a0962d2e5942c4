"""Workers of an erasure are really killed: the next one goes on, and nothing is left."""

import signal
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from datetime import timedelta
from pathlib import Path

import pytest
from django.db import connection
from django.utils import timezone

from apps.accounts.services import create_user
from apps.events.actors import SYSTEM
from apps.operations.models import Operation
from apps.tenancy.kinds import operator
from apps.tenants import closing
from apps.tenants.erasing.services import PIPELINE, begin_due_erasures
from apps.tenants.models import Erasure, Organisation
from apps.tenants.services import create_organisation
from apps.work.models import Due
from tests.accounts.conftest import application, furnish, plan_of
from tests.operations.nursery import Nursery, until
from tests.tenants.erasable import rows_that_say

# Statements after which a worker is killed; an erasure takes some hundred, and whoever takes over
# begins where it was.
MOMENTS = (15, 40, 70, 110, 160, 220, 290, 380)
LEASE_S = "3"


@pytest.fixture(scope="module")
def nursery(
    open_live_database: Callable[[], AbstractContextManager[str]],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Nursery]:
    with open_live_database() as url:
        folder: Path = tmp_path_factory.mktemp("world")
        nursery = Nursery(url, folder, TEST_LEASE_SECONDS=LEASE_S, VAR_DIR=str(folder))
        yield nursery
        nursery.close()


def closed(number: int) -> str:
    """An ISP on the shared plan whose days of grace are over; the uuid of it."""
    slug = f"zephyr{number}"
    with operator():
        owner = create_user(email=f"owner@{slug}.example", password="x" * 12, actor=SYSTEM)
        organisation = create_organisation(
            application(slug), plan_of("starter"), owner=owner, actor=SYSTEM
        )
        closing.close(organisation, side="owner", actor=SYSTEM)
        past = timezone.now() - timedelta(seconds=1)
        Organisation.objects.filter(pk=organisation.pk).update(erase_after=past)
    return str(organisation.uuid)


def test_killed_workers_leave_nothing_behind(nursery: Nursery) -> None:
    furnish()
    organisations = [closed(number) for number in range(len(MOMENTS))]
    with operator():
        # Mails are no part of it, and other work would only be in the way.
        Due.objects.exclude(kind="operation").delete()
        assert begin_due_erasures() == len(MOMENTS)
    for moment in MOMENTS:
        pid = nursery.work(die_at=moment)
        assert nursery.wait(pid) == -signal.SIGKILL
    workers = [nursery.work() for _turn in range(2)]
    open_ones = Operation.objects.filter(name=PIPELINE).exclude(status="succeeded")

    def is_over() -> bool:
        Due.objects.filter(state="waiting").update(due_at=timezone.now())
        return not open_ones.exists()

    until(is_over, f"The end of all erasures: {nursery.log()}", 150)
    for pid in workers:
        nursery.kill(pid)
    with operator():
        assert Erasure.objects.exclude(erased_at=None).count() == len(MOMENTS)
        assert {tuple(one) for one in Erasure.objects.values_list("sealed")} == {("",)}
        # What a certificate counts is right, however often a worker began again.
        counted = [erasure.counts["rows"]["accounts.user"] for erasure in Erasure.objects.all()]
        assert counted == [1] * len(MOMENTS)
        schemas = [name for erasure in Erasure.objects.all() for name in erasure.schemas]
    found = rows_that_say([*organisations, *schemas, "@zephyr"])
    assert set(found) <= {"public.tenants_erasure"}, found
    connection.close()
