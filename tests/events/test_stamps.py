"""Rows that somebody writes by hand as a service would have, and ids that are exchanged."""

from collections.abc import Callable
from uuid import uuid4

import pytest
from django.db import connection

from apps.events import services as events
from apps.events.actors import SYSTEM
from apps.events.digests import UNSTAMPED, event_digest, link
from apps.events.models import Checkpoint, Event
from apps.events.sealing import GENESIS, sign_anew
from apps.events.verifying import Finding, verify
from apps.tenancy.kinds import schema_of
from apps.work.models import Mark
from tests.events.conftest import DORA
from tests.events.found import found
from tests.events.test_log import seal_all

FORGED = "This installation never wrote it: it was added, or written anew, by hand."


def forged(stamp: str = "", scheme: int | None = None) -> Event:
    """A row without a number and with a right digest, as if a service had written it."""
    event = Event.objects.order_by("-id")[0]
    event.pk, event.uuid, event.seal_no, event.chain = None, uuid4(), None, ""
    event.data, event.stamp = {"amount": "1000.00"}, stamp
    event.scheme = scheme or event.scheme
    event.digest = event_digest(event)
    event.save(force_insert=True)
    return event


@pytest.mark.parametrize("stamp", ["", "f" * 64])
def test_a_row_added_as_a_service_would_is_named_before_and_after_it_is_sealed(
    log: Callable[[int], list[Event]], stamp: str
) -> None:
    log(3)
    row = forged(stamp)
    assert verify().findings == [Finding("inserted", row.pk, FORGED)]
    seal_all()
    events.record("demo.done", actor=SYSTEM, subject=DORA)
    seal_all()
    assert Event.objects.get(pk=row.pk).seal_no == 4
    assert verify().findings == [Finding("inserted", row.pk, FORGED)]


def test_the_stamp_of_another_event_or_log_does_not_serve(
    log: Callable[[int], list[Event]],
) -> None:
    (real,) = log(1)
    row = forged(real.stamp)
    seal_all()
    assert found() == [("inserted", row.pk)]
    with schema_of("w_acme"):
        there = events.record("demo.done", actor=SYSTEM, subject=DORA)
    there.pk, there.xid = None, Event.objects.latest("id").xid
    there.save(force_insert=True)
    seal_all()
    assert found() == [("inserted", row.pk), ("inserted", there.pk)]


def test_an_older_scheme_is_no_way_around_the_stamp(log: Callable[[int], list[Event]]) -> None:
    log(2)
    row = forged(scheme=UNSTAMPED)
    seal_all()
    assert found() == [("inserted", row.pk)]


def test_a_log_of_before_there_were_stamps_is_proven_and_goes_on(
    log: Callable[[int], list[Event]],
) -> None:
    chain = GENESIS
    for row in log(3):
        row.scheme, row.stamp = UNSTAMPED, ""
        row.digest = event_digest(row)
        row.chain = chain = link(chain, UNSTAMPED, row.pk, row.digest)
        row.save()
    Checkpoint.objects.update(chain=chain)
    sign_anew()
    Mark.objects.filter(schema="c_acme").delete()
    assert verify().is_proven
    log(2)
    assert verify().is_proven
    assert list(Event.objects.order_by("id").values_list("scheme", flat=True)) == [3, 3, 3, 4, 4]


def exchange_ids(first: int, second: int) -> None:
    """Let two rows have each other's id; pages show them in the order of these."""
    with connection.cursor() as cursor:
        for old, new in ((first, -1), (second, first), (-1, second)):
            cursor.execute("UPDATE events_event SET id = %s WHERE id = %s", [new, old])


def test_exchanged_ids_are_named(log: Callable[[int], list[Event]]) -> None:
    rows = log(6)
    second, fifth = rows[1].pk, rows[4].pk
    exchange_ids(second, fifth)
    said = "Its id was exchanged: it was event {}."
    assert verify().findings == [
        Finding("reordered", fifth, said.format(second)),
        Finding("reordered", second, said.format(fifth)),
    ]


def test_an_id_that_was_moved_where_none_was_is_named(log: Callable[[int], list[Event]]) -> None:
    rows = log(4)
    with connection.cursor() as cursor:
        moved = rows[3].pk + 1000
        cursor.execute("UPDATE events_event SET id = %s WHERE id = %s", [moved, rows[1].pk])
    assert [one.event_id for one in verify().findings] == [moved]
