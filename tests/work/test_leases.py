"""One worker at a time: claims, leases and their epochs, on a database of the test's own."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import psycopg
import pytest
from django.conf import settings
from django.db import Error, connection
from django.utils import timezone
from django_q.models import OrmQ

from apps.tenancy.kinds import schema_of
from apps.work import services as work
from apps.work.exceptions import LeaseLostError
from apps.work.leases import Heartbeat, Lease, claim
from apps.work.models import Due
from tests.live import in_vain
from tests.operations.nursery import until

pytestmark = pytest.mark.usefixtures("swept_database")


@pytest.fixture
def due(swept_database: str, acme) -> Due:
    """A piece of Acme's work that is due now."""
    with schema_of(acme.console):
        return work.enqueue("errand", "1", title="An errand")


def in_threads(task: Callable[[], Any], count: int) -> list[Any]:
    """The answers of as many threads that begin together."""
    together = threading.Barrier(count)

    def labour(_number: int) -> Any:
        try:
            connection.ensure_connection()
            together.wait(30)
            return task()
        finally:
            connection.close()

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(labour, range(count)))


def lapse(due: Due) -> None:
    """The lease runs out and the reaper comes."""
    Due.objects.filter(pk=due.pk).update(lease_until=timezone.now() - timedelta(seconds=1))
    assert work.reap() == 1


def claimed(due: Due) -> Lease:
    """A lease on it."""
    lease = claim(str(due.pk))
    assert lease is not None
    return lease


def test_of_many_who_claim_at_once_one_wins(due: Due) -> None:
    leases = in_threads(lambda: claim(str(due.pk)), 8)
    (winner,) = [lease for lease in leases if lease]
    assert (winner.schema, winner.kind, winner.subject, winner.epoch) == (
        "c_acme",
        "errand",
        "1",
        1,
    )


def test_what_is_not_due_yet_is_not_claimed(due: Due) -> None:
    Due.objects.update(due_at=timezone.now() + timedelta(hours=1))
    assert claim(str(due.pk)) is None


def test_a_lost_lease_commits_nothing(due: Due) -> None:
    first = claimed(due)
    lapse(due)
    second = claimed(due)
    assert second.epoch == first.epoch + 1
    with pytest.raises(LeaseLostError), first.atomic():
        Due.objects.filter(pk=due.pk).update(title="Changed by the wrong one")
    with pytest.raises(LeaseLostError):
        first.assert_held()
    with second.atomic():
        work.finish(second, Due.State.DONE)
    due.refresh_from_db()
    assert (due.title, due.state, due.progress) == ("An errand", "done", 100)


def test_a_lease_lost_without_a_successor_commits_nothing_either(due: Due) -> None:
    lease = claimed(due)
    lapse(due)
    with pytest.raises(LeaseLostError), lease.atomic():
        raise AssertionError("The transaction was entered.")


def test_the_one_who_holds_it_is_waited_for_by_the_next(due: Due, swept_database: str) -> None:
    lease = claimed(due)
    with lease.atomic(), psycopg.connect(swept_database) as other:
        other.execute("SET lock_timeout = '200ms'")
        with pytest.raises(psycopg.errors.LockNotAvailable):
            other.execute("UPDATE public.work_due SET epoch = epoch + 1")


def test_a_worker_that_stands_still_inside_its_transaction_does_not_stop_the_reaper(
    due: Due,
) -> None:
    lease = claimed(due)
    other = Due.objects.create(
        schema="c_acme", kind="errand", subject="2", title="Other", state="running",
        due_at=timezone.now(), created_at=timezone.now(),
        lease_until=timezone.now() - timedelta(seconds=1),
    )  # fmt: skip
    Due.objects.filter(pk=due.pk).update(lease_until=timezone.now() - timedelta(seconds=1))
    with lease.atomic():
        assert in_threads(work.reap, 1) == [1]
        other.refresh_from_db()
        assert other.state == "queued"


def test_the_server_ends_the_session_of_a_worker_that_stands_still(due: Due) -> None:
    lease = claimed(due)

    def stand_still() -> None:
        with lease.atomic():
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_backend_pid()")
                pid = cursor.fetchone()[0]
            in_threads(lambda: until(lambda: not _is_connected(pid), "The session's end"), 1)
            Due.objects.update(title="Changed after the end")

    with pytest.raises(Error, match="idle-in-transaction|closed"):
        stand_still()
    connection.close()
    due.refresh_from_db()
    assert due.title == "An errand"


def _is_connected(pid: int) -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1 FROM pg_stat_activity WHERE pid = %s", [pid])
        return cursor.fetchone() is not None


def test_a_heartbeat_keeps_the_lease(due: Due) -> None:
    lease = claimed(due)
    before = Due.objects.get().lease_until
    with Heartbeat(lease):
        until(lambda: Due.objects.get().lease_until > before, "A heartbeat")
    lease.assert_held()
    assert work.reap() == 0


def test_a_heartbeat_tells_that_the_lease_is_lost(due: Due) -> None:
    lease = claimed(due)
    with Heartbeat(lease):
        Due.objects.update(epoch=7)
        assert lease.lost.wait(30)
    with pytest.raises(LeaseLostError):
        lease.assert_held()


def test_a_lease_is_over_by_the_worker_s_own_clock(due: Due) -> None:
    lease = claimed(due)
    lease.held_until -= settings.LEASE_SECONDS
    with pytest.raises(LeaseLostError):
        lease.assert_held()


def test_waking_again_and_again_is_harmless(due: Due) -> None:
    for _time in range(5):
        work.wake(str(due.pk))
    assert [claim(str(due.pk)) is not None for _time in range(5)] == [True, *[False] * 4]


def test_what_nobody_came_for_is_woken_once_an_interval(due: Due) -> None:
    OrmQ.objects.all().delete()
    assert work.wake_due() == 0
    Due.objects.update(woken_at=timezone.now() - work.REWAKE_AFTER - timedelta(seconds=1))
    assert [work.wake_due() for _time in range(3)] == [1, 0, 0]
    assert OrmQ.objects.count() == 1


def test_two_clocks_at_once_wake_a_piece_of_work_once(due: Due) -> None:
    OrmQ.objects.all().delete()
    Due.objects.update(woken_at=None)
    assert sorted(in_threads(work.wake_due, 4)) == [0, 0, 0, 1]
    assert OrmQ.objects.count() == 1


def test_postponed_work_is_woken_when_its_time_comes(due: Due) -> None:
    OrmQ.objects.all().delete()
    lease = claimed(due)
    with lease.atomic():
        work.postpone(lease, seconds=0.3, reason="The host does not answer.")
    due.refresh_from_db()
    assert (due.state, due.reason) == ("waiting", "The host does not answer.")
    assert claim(str(due.pk)) is None
    until(work.wake_due, "The wake-up")
    assert claimed(due).epoch == 2


def test_work_given_back_for_at_once_is_woken_by_the_commit(due: Due) -> None:
    OrmQ.objects.all().delete()
    lease = claimed(due)
    with lease.atomic():
        work.postpone(lease, seconds=0, reason="Others have their turn.")
        assert OrmQ.objects.count() == 0
    assert OrmQ.objects.count() == 1
    assert work.wake_due() == 0
    assert claimed(due).epoch == 2


def test_hastened_work_is_due_at_once(due: Due, acme) -> None:
    lease = claimed(due)
    with lease.atomic():
        work.postpone(lease, seconds=3600, reason="Later.")
    OrmQ.objects.all().delete()
    with schema_of(acme.console):
        work.hasten("errand", "1")
    assert OrmQ.objects.count() == 1
    assert claimed(due)


def test_hastening_reaches_no_other_schema(due: Due, initech) -> None:
    Due.objects.update(due_at=timezone.now() + timedelta(hours=1))
    with schema_of(initech.console):
        work.hasten("errand", "1")
    assert claim(str(due.pk)) is None


def test_work_of_a_rolled_back_transaction_leaves_nothing(swept_database: str, acme) -> None:
    with schema_of(acme.console):
        in_vain(lambda: (work.enqueue("errand", "1", title="Never"), work.signal("news")))
    assert (Due.objects.count(), OrmQ.objects.count(), work.signals("news")) == (0, 0, {})


def test_the_same_work_is_queued_once(due: Due, acme, initech) -> None:
    with schema_of(initech.console):
        work.enqueue("errand", "1", title="Another ISP's")
    with pytest.raises(Exception, match="due_once"), schema_of(acme.console):
        work.enqueue("errand", "1", title="Again")


def test_a_signal_stays_until_its_news_is_fetched(swept_database: str, acme, initech) -> None:
    for isp in (acme, acme, initech):
        with schema_of(isp.console):
            work.signal("news")
    notes = work.signals("news")
    assert {schema: len(ids) for schema, ids in notes.items()} == {"c_acme": 2, "c_initech": 1}
    with schema_of(acme.console):
        work.signal("news")
    work.forget_signals(notes["c_acme"])
    left = work.signals("news")
    assert {schema: len(ids) for schema, ids in left.items()} == {"c_acme": 1, "c_initech": 1}


def test_finished_work_is_forgotten_after_its_retention(due: Due) -> None:
    Due.objects.update(state="done", finished_at=timezone.now() - timedelta(days=91))
    fresh = Due.objects.create(
        schema="c_acme", kind="errand", subject="2", title="Fresh", state="done",
        due_at=timezone.now(), created_at=timezone.now(), finished_at=timezone.now(),
    )  # fmt: skip
    work.forget_old()
    assert list(Due.objects.all()) == [fresh]
