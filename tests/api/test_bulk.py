"""Many subscribers in one request."""

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.http import HttpResponse
from django.test.utils import CaptureQueriesContext

from apps.events.models import Event
from apps.subscribers.models import Subscriber
from apps.tenancy.kinds import schema_of
from tests.api.conftest import Program
from tests.conftest import Isp

Problem = Callable[[HttpResponse], dict[str, Any]]
DORA = {"external_id": "crm-17", "name": "Dora Diaz", "email": "dora@example.com"}
EMIL = {"external_id": "crm-18", "name": "Emil Eze"}


def bring(desk: Program, *rows: object, query: str = "") -> dict[str, Any]:
    answer = desk.post(f"subscribers/bulk/{query}", {"subscribers": rows})
    assert answer.status_code == 200, answer.content
    body: dict[str, Any] = answer.json()
    return body


def results(body: dict[str, Any]) -> list[str]:
    return [row["result"] for row in body["results"]]


def test_rows_are_added_then_changed_then_left(desk: Program) -> None:
    first = bring(desk, DORA, EMIL)
    assert results(first) == ["created", "created"]
    second = bring(desk, {**DORA, "phone": "555 0100"}, EMIL)
    assert results(second) == ["updated", "unchanged"]
    assert [row["id"] for row in second["results"]] == [row["id"] for row in first["results"]]
    dora = desk.get(f"subscribers/{first['results'][0]['id']}/").json()
    assert (dora["phone"], dora["email"]) == ("555 0100", "dora@example.com")
    assert (second["updated"], second["unchanged"], second["error"]) == (1, 1, 0)


def test_a_number_tells_who_is_meant(desk: Program) -> None:
    (made,) = bring(desk, DORA)["results"]
    assert results(bring(desk, {"number": made["number"], "name": "Dora Dias"})) == ["updated"]
    assert results(bring(desk, {"number": "K-1", "name": "Karl"})) == ["created"]
    (karl,) = desk.get("subscribers/", number="K-1").json()["results"]
    assert karl["status"] == "lead"


def test_a_number_that_will_be_drawn_may_be_brought(desk: Program) -> None:
    (made,) = bring(desk, DORA)["results"]
    following = f"S-{int(made['number'][2:]) + 1:06d}"
    body = bring(desk, EMIL, {"number": following, "name": "Karl"})
    assert results(body) == ["created", "created"]
    assert body["results"][1]["number"] == following


def test_a_row_in_error_leaves_the_others_alone(desk: Program) -> None:
    made = bring(desk, DORA, EMIL)["results"]
    both = {"external_id": "crm-17", "number": made[1]["number"]}
    body = bring(
        desk,
        {"external_id": "crm-19", "name": "Fay", "email": "none"},
        {"external_id": "crm-20"},
        {"name": "Nobody knows"},
        both,
        {**EMIL, "phone": "1"},
        {**EMIL, "phone": "2"},
        {"external_id": "crm-21", "name": "Gus"},
    )
    assert results(body) == [*["error"] * 4, "updated", "error", "created"]
    fields = [row["errors"][0]["field"] for row in body["results"] if row["errors"]]
    assert fields == ["email", "name", "external_id", "external_id", "external_id"]


def test_a_dry_run_tells_what_would_become_of_them(desk: Program, acme: Isp) -> None:
    body = bring(desk, DORA, {"external_id": "crm-20"}, query="?dry_run=true")
    assert results(body) == ["created", "error"]
    with schema_of(acme.workspace):
        assert not Subscriber.objects.exists()


def test_the_batch_is_one_event(desk: Program, acme: Isp) -> None:
    (made,) = bring(desk, DORA)["results"]
    bring(desk, DORA)
    with schema_of(acme.workspace):
        event = Event.objects.get(type="subscribers.upserted")
    assert event.data == {"created": [made["id"]], "updated": {}}


def test_each_row_is_an_event_as_if_it_had_been_sent_alone(desk: Program, acme: Isp) -> None:
    made = bring(desk, DORA, EMIL)["results"]
    changed = {**DORA, "email": "dora@example.org", "metadata": {"crm": "17"}}
    bring(desk, changed, EMIL)
    with schema_of(acme.workspace):
        events = Event.objects.filter(type__startswith="subscriber.").order_by("id")
        assert [(event.type, event.subject_id) for event in events] == [
            ("subscriber.created", made[0]["id"]),
            ("subscriber.created", made[1]["id"]),
            ("subscriber.updated", made[0]["id"]),
        ]
        first, _second, last = events
        person = Subscriber.objects.get(uuid=made[0]["id"])
    assert first.data == {"number": person.number, "status": "lead"}
    assert last.data["changed"] == {
        "email": {"before": "dora@example.com", "after": "dora@example.org"},
        "metadata.crm": {"before": None, "after": "17"},
    }
    assert {event.actor_label for event in events} == {"Programs of alice@acme.example"}


@pytest.mark.parametrize("rows", [[], [{"name": "x"}] * 1001, "all", [1]])
def test_too_few_too_many_or_no_rows(desk: Program, problem: Problem, rows: object) -> None:
    assert problem(desk.post("subscribers/bulk/", {"subscribers": rows}))["status"] == 400


def test_the_number_of_queries_is_fixed(desk: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    # A slow machine takes so long over a thousand rows that it asks for the host again.
    monkeypatch.setattr("apps.tenancy.middleware._REMEMBERED_S", 600.0)

    def queries(count: int, start: int) -> int:
        rows = [{"external_id": f"crm-{start + n}", "name": f"P {n}"} for n in range(count)]
        with CaptureQueriesContext(connection) as asked:
            assert bring(desk, *rows)["created"] == count
        with CaptureQueriesContext(connection) as asked_again:
            changed = [{**row, "phone": "1"} for row in rows]
            assert bring(desk, *changed)["updated"] == count
        return len(asked) + len(asked_again)

    queries(2, 0)
    assert queries(2, 100) == queries(1000, 1000)
