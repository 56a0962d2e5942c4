"""A long part of the record is written by a worker: asked for, followed, downloaded, forgotten."""

import csv
import io
import json
import os
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.test import Client
from django.utils import timezone

from apps.events import exporting
from apps.events import services as events
from apps.events.actors import SYSTEM, Actor, Subject
from apps.events.choosing import chosen_events
from apps.events.erasing import erase_person
from apps.events.models import Event
from apps.operations.models import Operation
from apps.tenancy.kinds import schema_of
from apps.transfers.reactions import _forget
from apps.transfers.record.services import file_of
from apps.work.retention import forget_in
from tests.conftest import Isp
from tests.transfers.conftest import work_off

LOG = "/admin/events/event/"
PAGE = "/admin/export/record/"
CARL = Actor("user", "ca410000-0000-4000-8000-000000000001", "carl@acme.example")


@pytest.fixture(autouse=True)
def _few_are_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exporting, "MOST_AT_ONCE", 3)
    # So that a file takes more than one page of the log.
    monkeypatch.setattr(exporting, "_CHUNK", 2)


@pytest.fixture
def alice(person: Callable[..., Client], acme: Isp) -> Client:
    """An owner in Acme's workspace, whose log has five masts."""
    with schema_of(acme.workspace):
        for number in range(5):
            about = Subject("mast", f"{number}", f"Tower {number}")
            events.record("mast.built", actor=CARL, subject=about, data={"owner": "Dora Diaz"})
    return person(acme.workspace_host, acme.workspace)


def newest(schema: str) -> Operation:
    with schema_of(schema):
        return Operation.objects.filter(name="record.export").latest("created_at")


def written(client: Client, schema: str, query: str = "type=mast.built", form: str = "csv") -> Any:
    assert client.post(f"{PAGE}?{query}", {"form": form}).status_code == 302
    work_off()
    operation = newest(schema)
    assert operation.status == "succeeded", operation.cause
    return operation


def taken(client: Client, operation: Operation) -> str:
    answer = client.get(f"{PAGE}{operation.uuid}/file/")
    assert answer.status_code == 200
    return b"".join(answer.streaming_content).decode()


def test_what_is_long_leads_to_a_worker_and_what_is_short_is_answered(
    alice: Client, acme: Isp
) -> None:
    answer = alice.get(f"{LOG}export.csv?type=mast.built")
    assert (answer.status_code, answer["location"]) == (302, f"{PAGE}?type=mast.built")
    assert "what the filters of the list leave" in alice.get(answer["location"]).text
    with schema_of(acme.workspace):
        assert not Event.objects.filter(type="list.exported").exists()
        assert not Operation.objects.filter(name="record.export").exists()
    short = alice.get(f"{LOG}export.csv?type=mast.built&q=Tower+3")
    assert "Tower 3" in b"".join(short.streaming_content).decode()


def test_the_file_holds_what_the_list_shows(alice: Client, acme: Isp) -> None:
    operation = written(alice, acme.workspace)
    address = f"{PAGE}{operation.uuid}/file/"
    assert address in alice.get(PAGE).text
    followed = alice.get(f"/operations/{operation.uuid}/", follow=True).text
    assert address in followed
    assert "5 events are written." in followed
    rows = list(csv.DictReader(io.StringIO(taken(alice, operation).lstrip("\ufeff"))))
    assert [row["subject"] for row in rows] == [f"Tower {number}" for number in range(5)]
    lines = taken(alice, written(alice, acme.workspace, form="jsonl")).splitlines()
    assert [json.loads(line)["subject"]["label"] for line in lines] == [
        row["subject"] for row in rows
    ]


def test_who_made_and_who_took_a_file_stands_in_the_log(alice: Client, acme: Isp) -> None:
    operation = written(alice, acme.workspace)
    taken(alice, operation)
    with schema_of(acme.workspace):
        made, loaded = Event.objects.filter(type__startswith="list.export").order_by("id")
    assert made.data == {"rows": 5, "filters": {"type": ["mast.built"]}, "file": "events.csv"}
    assert (loaded.type, loaded.data["operation"]) == (
        "list.export_downloaded",
        str(operation.uuid),
    )
    assert made.actor_label == loaded.actor_label == "owner0@example.org"


def test_what_happens_after_it_was_asked_for_is_left_out(alice: Client, acme: Isp) -> None:
    alice.post(f"{PAGE}?subject_type=mast", {"form": "csv"})
    with schema_of(acme.workspace):
        events.record("mast.built", actor=CARL, subject=Subject("mast", "9", "Tower 9"))
    work_off()
    assert "Tower 9" not in taken(alice, newest(acme.workspace))


@pytest.mark.parametrize(
    "query",
    [
        "q=Tower+2",
        "actor_label__icontains=nobody",
        "at_from=2999-01-01",
        "type=mast.built&subject_type=mast",
        "id__exact=nonsense",
        "nosuch=1",
        "o=3&q=Tower",
    ],
)
def test_a_worker_chooses_what_the_list_shows(query: str, alice: Client, acme: Isp) -> None:
    shown = alice.get(f"{LOG}?{query}").context
    shown = shown["cl"].queryset if shown and "cl" in shown else Event.objects.none()
    with schema_of(acme.workspace):
        assert set(chosen_events(query)) == set(shown)


def test_one_is_written_at_a_time(alice: Client) -> None:
    alice.post(PAGE, {"form": "csv"})
    assert "is under way since" in alice.post(PAGE, {"form": "csv"}, follow=True).text


def test_its_days_are_those_of_whoever_asked(alice: Client, acme: Isp) -> None:
    late = datetime(2026, 3, 10, 20, 30, tzinfo=UTC)
    with schema_of(acme.workspace), time_machine.travel(late, tick=False):
        events.record("mast.felled", actor=CARL, subject=Subject("mast", "9", "Tower nine"))
    alice.post("/language/", {"time_zone": "Asia/Tokyo"})
    operation = written(alice, acme.workspace, "at_from=2026-03-11&at_to=2026-03-11")
    assert "Tower nine" in taken(alice, operation)
    assert "Tower nine" in alice.get(f"{LOG}?at_from=2026-03-11&at_to=2026-03-11").text
    operation = written(alice, acme.workspace, "at_from=2026-03-10&at_to=2026-03-10")
    assert "Tower nine" not in taken(alice, operation)


def test_it_is_a_page_of_the_event_log(alice: Client) -> None:
    page = alice.get(PAGE)
    assert f'<a href="{LOG}" class="dm-link">' in page.content.decode()
    lines = [item for group in page.context["sidebar_navigation"] for item in group["items"]]
    assert [item["link"] for item in lines if item["active"]] == [LOG]


def test_only_who_sees_the_record_gets_there(
    alice: Client, person: Callable[..., Client], acme: Isp, initech: Isp
) -> None:
    operation = written(alice, acme.workspace)
    file = f"{PAGE}{operation.uuid}/file/"
    bob = person(initech.workspace_host, initech.workspace)
    assert bob.get(file).status_code == 404
    assert str(operation.uuid) not in bob.get(PAGE).text
    tech = person(acme.workspace_host, acme.workspace, "technician")
    assert tech.get(PAGE).status_code == tech.get(file).status_code == 403
    assert tech.post(PAGE, {"form": "csv"}).status_code == 403


def test_a_file_goes_after_seven_days(alice: Client, acme: Isp) -> None:
    operation = written(alice, acme.workspace)
    with schema_of(acme.workspace):
        path = file_of(operation)
    forget_in(acme.workspace)
    assert path.exists()
    then = (timezone.now() - timedelta(days=7, minutes=1)).timestamp()
    os.utime(path, (then, then))
    forget_in(acme.workspace)
    assert not path.exists()
    assert alice.get(f"{PAGE}{operation.uuid}/file/").status_code == 404
    assert "not kept any more" in alice.get(PAGE).text


def test_whoever_is_erased_is_in_no_file_and_in_no_filter(alice: Client, acme: Isp) -> None:
    operation = written(alice, acme.workspace, query="q=Tower&type=mast.built")
    with schema_of(acme.workspace):
        path = file_of(operation)
        assert "Dora" in path.read_text()
        erase_person(["Dora Diaz"], actor=SYSTEM)
        _forget(Event.objects.get(type="person.erased"))
        assert not path.exists()
        assert "query" not in Operation.objects.get(pk=operation.pk).params


def test_a_file_is_written_anew_where_somebody_is_erased_meanwhile(
    alice: Client, acme: Isp, monkeypatch: pytest.MonkeyPatch
) -> None:
    form, erased = exporting.FORMS["csv"], list[bool]()

    def write(rows: Any, file: Any) -> int:
        count = form.write(rows, file)
        if not erased:
            erased.append(True)
            erase_person(["Dora Diaz"], actor=SYSTEM)
        return count

    late = exporting.Form(form.file, form.content_type, write)
    monkeypatch.setitem(exporting.FORMS, "csv", late)
    assert "Dora" not in taken(alice, written(alice, acme.workspace))


def test_what_failed_is_repeated_only_while_its_filters_are_known(
    alice: Client, acme: Isp, settings: Any, tmp_path: Any
) -> None:
    (tmp_path / "media").write_text("a file where the folder should be")
    alice.post(f"{PAGE}?q=Dora", {"form": "csv"})
    work_off()
    failed = newest(acme.workspace)
    assert failed.status == "failed"
    assert "could not be written" in failed.cause
    with schema_of(acme.workspace):
        Operation.objects.filter(pk=failed.pk).update(created_at=timezone.now() - timedelta(days=8))
    (tmp_path / "media").unlink()
    forget_in(acme.workspace)
    again = alice.post(f"/operations/{failed.uuid}/retry/", follow=True)
    assert "filters are not kept" in again.text
