"""What happened, over the API: followed by programs, in an order that never changes."""

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.http import HttpResponse
from django.test.utils import CaptureQueriesContext

from apps.events import services as events
from apps.events.actors import SYSTEM, Subject
from apps.events.models import Event
from apps.tenancy.kinds import schema_of
from tests.api.conftest import Program, key_in
from tests.conftest import Isp

TOWER = Subject("mast", "7", "Tower")


@pytest.fixture
def happen(acme: Isp, db: None) -> Callable[..., list[str]]:
    """`happen(3)` makes so many events in Acme's workspace; returns their ids.

    They are numbered by hand: the sealer waits for the test's own transaction.
    """

    def make(count: int, type: str = "mast.built", age: timedelta = timedelta()) -> list[str]:
        with schema_of(acme.workspace):
            last = Event.objects.filter(seal_no__isnull=False).count()
            made = []
            for number in range(last + 1, last + 1 + count):
                event = events.record(type, actor=SYSTEM, subject=TOWER, data={"n": number})
                at = event.at - age
                Event.objects.filter(pk=event.pk).update(seal_no=number, at=at)
                made.append(str(event.uuid))
        return made

    return make


def ids(answer: HttpResponse) -> list[str]:
    assert answer.status_code == 200, answer.content
    return [row["id"] for row in answer.json()["results"]]


def test_events_are_listed_oldest_first_in_their_envelope(
    desk: Program, happen: Callable[..., list[str]]
) -> None:
    made = happen(3)
    answer = desk.get("events/", type="mast.built")
    assert ids(answer) == made
    row = answer.json()["results"][0]
    assert row["timestamp"].endswith("Z")
    assert (row["type"], row["sequence"], row["data"]) == ("mast.built", 1, {"n": 1})
    assert row["subject"] == {"type": "mast", "id": "7", "label": "Tower"}
    assert row["actor"] == {"type": "system", "id": "", "label": "DotMac"}
    assert "ip" not in str(row)


def test_a_program_follows_from_the_last_that_it_has(
    desk: Program, happen: Callable[..., list[str]]
) -> None:
    made = happen(5)
    first = desk.get("events/", after=made[0], limit=2)
    assert ids(first) == made[1:3]
    assert ids(desk.get(first.json()["next"])) == made[3:]
    assert ids(desk.get("events/", after=made[4])) == []
    more = happen(1)
    assert ids(desk.get("events/", after=made[4])) == more
    assert ids(desk.get("events/", subject_id="8")) == []


def test_an_event_that_is_not_sealed_waits(desk: Program, happen: Callable[..., list[str]]) -> None:
    made = happen(1)
    with schema_of("w_acme"):
        waiting = events.record("mast.built", actor=SYSTEM, subject=TOWER)
    assert ids(desk.get("events/", after=made[0])) == []
    assert ids(desk.get("events/", after=str(waiting.uuid))) == []


def test_what_is_older_than_30_days_is_told_to_be_gone(
    desk: Program,
    happen: Callable[..., list[str]],
    problem: Callable[[HttpResponse], dict[str, Any]],
) -> None:
    (old,) = happen(1, age=timedelta(days=31))
    made = happen(1)
    assert ids(desk.get("events/", type="mast.built")) == made
    said = problem(desk.get("events/", after=old))
    assert (said["status"], said["code"]) == (410, "events_gone")


def test_an_id_that_is_none_is_refused(
    desk: Program, problem: Callable[[HttpResponse], dict[str, Any]]
) -> None:
    for wrong in ("nothing", "00000000-0000-4000-8000-000000000000"):
        said = problem(desk.get("events/", after=wrong))
        assert said["status"] == 400
        assert said["errors"][0]["field"] == "after"


def test_another_isp_s_event_is_no_place_to_follow_from(
    desk_of_initech: Program, happen: Callable[..., list[str]]
) -> None:
    made = happen(2)
    assert made[0] not in str(desk_of_initech.get("events/").content)
    assert desk_of_initech.get("events/", after=made[0]).status_code == 400


def test_staff_without_the_right_see_no_events(acme: Isp, db: None) -> None:
    program = Program(acme.workspace_host, key_in(acme.workspace, "tech@acme.example"))
    assert program.get("events/").status_code == 403


def test_the_price_of_a_page_does_not_grow(
    desk: Program,
    happen: Callable[..., list[str]],
    django_assert_max_num_queries: Callable[[int], Any],
) -> None:
    happen(30, age=timedelta(minutes=1))
    desk.get("events/")
    with django_assert_max_num_queries(12):
        assert len(ids(desk.get("events/", limit=30))) == 30


def test_a_long_log_is_not_walked_for_its_newest_days(
    happen: Callable[..., list[str]], desk: Program, acme: Isp
) -> None:
    happen(1)
    with schema_of(acme.workspace):
        one = Event.objects.latest("id")
        now = one.at
        Event.objects.all().delete()
        rows = [Event(at=now - timedelta(days=400 - n / 20), seal_no=n) for n in range(1, 8000)]
        for row in rows:
            row.type, row.actor_kind, row.subject_type = one.type, "system", "mast"
        Event.objects.bulk_create(rows)
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE events_event")
    with CaptureQueriesContext(connection) as asked:
        assert len(desk.get("events/", limit=20).json()["results"]) == 20
    sent = [one["sql"] for one in asked]
    (last,) = [sql for sql in sent if "events_event" in sql and "LIMIT 21" in sql]
    with schema_of(acme.workspace), connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF) {last}")
        plan = "\n".join(row for (row,) in cursor.fetchall())
    removed = [int(text) for text in re.findall(r"Rows Removed by Filter: (\d+)", plan)]
    assert sum(removed) <= 1001, plan
