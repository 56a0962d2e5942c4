"""The audit trail in the admin: read, filtered, exported, proven, and people erased from it."""

import csv
import io
import json
import re
from collections.abc import Iterator
from importlib import import_module
from types import SimpleNamespace
from typing import Any

import pytest
from django.apps import apps
from django.db import connection
from django.http import HttpResponse
from django.test import Client
from django.utils import timezone

from apps.accounts.models import User
from apps.events import services as events
from apps.events.actors import SYSTEM, Actor, Subject
from apps.events.digests import link
from apps.events.erasing import erase_person
from apps.events.marks import move_mark
from apps.events.models import Checkpoint, Event, Verification
from apps.events.sealing import GENESIS
from apps.tenancy.kinds import schema_of
from apps.work.jobs import run as run_job
from apps.work.models import Due
from tests.accounts.browser import text_of
from tests.conftest import Isp
from tests.costs import queries_of
from tests.pages.conftest import browser, signed_in

LOG = "/admin/events/event/"
CARL = Actor("user", "ca410000-0000-4000-8000-000000000001", "carl@acme.example")
DORA = Subject("subscriber", "d04a0000-0000-4000-8000-000000000002", "Dora Diaz")
PAGES = (LOG, f"{LOG}export.csv", f"{LOG}export.jsonl", f"{LOG}verify/", f"{LOG}erase/")


@pytest.fixture
def log(acme: Isp, platform: None) -> Iterator[list[Event]]:
    """Three events in Acme's workspace, sealed by hand: the sealer waits for this transaction."""
    with schema_of(acme.workspace):
        Event.objects.all().delete()
        for plan in ("Fiber 100", "Fiber 100", "=Fiber 500"):
            data = {"plan": plan, "email": "dora@example.org"}
            events.record("subscriber.updated", actor=CARL, subject=DORA, data=data)
        seal_by_hand()
        yield list(Event.objects.order_by("id"))


def seal_by_hand() -> None:
    chain = GENESIS
    for number, event in enumerate(Event.objects.order_by("id"), 1):
        event.seal_no, event.chain = number, link(chain, event.scheme, event.pk, event.digest)
        event.save()
        chain = event.chain
    migration = import_module("apps.events.migrations.0003_first_checkpoint")
    migration.sign(apps, SimpleNamespace(connection=connection))


def words_of(answer: HttpResponse) -> str:
    """What is read on a page."""
    return " ".join(re.sub(r"<[^>]*>", " ", text_of(answer)).split())


def verified(client: Client) -> str:
    """What the page says once a worker has been through the log."""
    client.post(f"{LOG}verify/")
    run_job(str(Due.objects.filter(kind="verification").latest("created_at").pk))
    return words_of(client.get(f"{LOG}verify/"))


def exported(client: Client, path: str, **query: str) -> str:
    answer = client.get(f"{LOG}{path}", query)
    assert answer.status_code == 200
    return b"".join(answer.streaming_content).decode()


@pytest.mark.parametrize("who", ["root", "alice", "alice_at_work"])
def test_each_level_has_its_audit_pages(who: str, request: pytest.FixtureRequest) -> None:
    client = request.getfixturevalue(who)
    for page in PAGES:
        assert client.get(page).status_code == 200, page


@pytest.mark.parametrize("page", PAGES)
def test_outsiders_see_no_audit_page(
    page: str, guest: Client, acme: Isp, bob: Client, log: list[Event]
) -> None:
    assert browser(acme.workspace_host).get(page).status_code == 302
    assert guest.get(page, follow=True).status_code in (403, 404)
    answer = bob.get(page)
    text = b"".join(answer) if answer.streaming else answer.content
    assert b"carl@acme.example" not in text


def test_staff_without_the_right_see_and_erase_nothing(acme: Isp, log: list[Event]) -> None:
    tech = signed_in(acme.workspace_host, acme.workspace, "tech@acme.example")
    with schema_of(acme.workspace):
        User.objects.filter(email="tech@acme.example").update(is_superuser=False)
    for page in PAGES:
        assert tech.get(page).status_code == 403
    asked = {"words": "dora@example.org", "confirm": "ERASE", "erase": "1"}
    assert tech.post(f"{LOG}erase/", asked).status_code == 403
    assert tech.post(f"{LOG}verify/").status_code == 403
    with schema_of(acme.workspace):
        assert Event.objects.filter(subject_label="Dora Diaz").count() == 3


def test_an_event_shows_what_was_before_and_after(alice_at_work: Client, log: list[Event]) -> None:
    said = words_of(alice_at_work.get(f"{LOG}{log[2].pk}/change/"))
    assert "− Removed: Fiber 100 + Added: =Fiber 500" in said
    assert "dora@example.org as before" in said
    assert "carl@acme.example" in said
    assert "not known" in words_of(alice_at_work.get(f"{LOG}{log[0].pk}/change/"))


def test_the_list_is_filtered_and_so_are_its_files(
    alice_at_work: Client, acme: Isp, log: list[Event]
) -> None:
    other = Subject("mast", "7", "Tower")
    with schema_of(acme.workspace):
        events.record("mast.built", actor=CARL, subject=other)
    for query in (
        {"type": "mast.built"},
        {"subject_type": "mast"},
        {"q": "Tower"},
    ):
        page = words_of(alice_at_work.get(LOG, query))
        assert "Tower" in page
        assert "Dora Diaz" not in page
        assert "Dora Diaz" not in exported(alice_at_work, "export.jsonl", **query)
    assert "Tower" not in exported(alice_at_work, "export.jsonl", actor_label__icontains="nobody")
    assert exported(alice_at_work, "export.jsonl", at_from="2999-01-01") == ""
    today = f"{timezone.now():%Y-%m-%d}"
    assert "Tower" in exported(alice_at_work, "export.jsonl", at_from=today, at_to=today)
    assert "Tower" in exported(alice_at_work, "export.jsonl", at_to="2999-13-45")


def test_the_files_hold_everything_and_run_nowhere(alice_at_work: Client, log: list[Event]) -> None:
    rows = list(csv.DictReader(io.StringIO(exported(alice_at_work, "export.csv").lstrip("\ufeff"))))
    ours = [row for row in rows if row["event"] == "subscriber.updated"]
    assert [row["number"] for row in ours] == ["1", "2", "3"]
    assert ours[2]["actor"] == "carl@acme.example"
    assert not any(cell.startswith(("=", "+", "@")) for row in rows for cell in row.values())
    lines = [json.loads(line) for line in exported(alice_at_work, "export.jsonl").splitlines()]
    ours = [line for line in lines if line["type"] == "subscriber.updated"]
    assert ours[2]["data"]["plan"] == "=Fiber 500"
    assert ours[2]["chain"] == log[2].chain


def test_who_takes_the_record_along_is_on_it(
    alice_at_work: Client, acme: Isp, log: list[Event]
) -> None:
    for name, query in (("export.csv", {"q": "Dora Diaz"}), ("export.jsonl", {"q": "nothing"})):
        exported(alice_at_work, name, **query, subject_type="")
    with schema_of(acme.workspace):
        found = list(Event.objects.filter(type="list.exported").order_by("id"))
    assert [(event.subject_id, event.actor_label) for event in found] == [
        ("events.event", "alice@acme.example")
    ] * 2
    assert [event.data for event in found] == [
        {"rows": 3, "filters": {"q": ["Dora Diaz"]}, "file": "events.csv"},
        {"rows": 0, "filters": {"q": ["nothing"]}, "file": "events.jsonl"},
    ]
    # Whoever is erased is in no filter either.
    with schema_of(acme.workspace):
        erase_person(["dora diaz"], actor=SYSTEM)
        assert Event.objects.get(pk=found[0].pk).data == {}
        assert Event.objects.get(pk=found[1].pk).data == found[1].data


def test_the_log_is_proven_by_a_button(alice_at_work: Client, acme: Isp, log: list[Event]) -> None:
    assert "The log is proven" in verified(alice_at_work)
    with schema_of(acme.workspace):
        Event.objects.filter(pk=log[1].pk).update(data={"plan": "Fiber 1"})
    said = verified(alice_at_work)
    assert "not as it was written" in said
    assert f"Changed {log[1].pk} Its content" in said
    # A worker found it, in English; whoever reads it does so in their language.
    french = words_of(alice_at_work.get(f"{LOG}verify/", headers={"accept-language": "fr"}))
    assert "Son contenu ne correspond pas à son empreinte" in french


def test_a_log_is_verified_once_at_a_time(alice_at_work: Client, log: list[Event]) -> None:
    assert "The log is being verified" in words_of(alice_at_work.post(f"{LOG}verify/", follow=True))
    assert "already" in words_of(alice_at_work.post(f"{LOG}verify/", follow=True))
    work = Due.objects.get(kind="verification")
    run_job(str(work.pk))
    assert "The log is proven" in words_of(alice_at_work.get(f"{LOG}verify/"))
    assert Due.objects.get(pk=work.pk).state == Due.State.DONE


def test_what_an_erasure_would_take_is_shown_first(
    alice_at_work: Client, acme: Isp, log: list[Event]
) -> None:
    said = words_of(alice_at_work.post(f"{LOG}erase/", {"words": "dora@example.org"}))
    assert "subscriber.updated 0 3" in said
    assert "Type ERASE" in said
    # A plan is nobody's name.
    assert "No event names" in words_of(alice_at_work.post(f"{LOG}erase/", {"words": "Fiber 100"}))
    with schema_of(acme.workspace):
        assert Event.objects.filter(subject_label="Dora Diaz").count() == 3


def test_an_owner_erases_a_person(alice_at_work: Client, acme: Isp, log: list[Event]) -> None:
    page = f"{LOG}erase/"
    wrong: list[dict[str, Any]] = [
        {"words": "dora@example.org", "confirm": "erase", "erase": "1"},
        {"words": "ab", "confirm": "ERASE", "erase": "1"},
        {"words": "", "confirm": "ERASE", "erase": "1"},
    ]
    for asked in wrong:
        assert alice_at_work.post(page, asked).status_code == 200
    answer = alice_at_work.post(
        page, {"words": "dora@example.org", "confirm": "ERASE", "erase": "1"}, follow=True
    )
    assert "Erased from 3 events" in words_of(answer)
    assert "Dora" not in words_of(alice_at_work.get(LOG))
    assert "The log is proven" in verified(alice_at_work)
    with schema_of(acme.workspace):
        assert Event.objects.get(type="person.erased").actor_label == "alice@acme.example"


@pytest.mark.parametrize("path", [LOG, f"{LOG}export.jsonl"])
def test_a_longer_log_costs_no_more_queries(
    path: str, alice_at_work: Client, acme: Isp, log: list[Event]
) -> None:
    def cost() -> int:
        return queries_of(lambda: alice_at_work.get(path))

    few = cost()
    with schema_of(acme.workspace):
        for number in range(20):
            about = Subject("mast", f"{number}", f"Tower {number}")
            events.record("mast.built", actor=CARL, subject=about)
    assert cost() <= few


@pytest.fixture
def restored(acme: Isp, log: list[Event]) -> None:
    """Acme's workspace, put back to a backup: its mark knows of one more."""
    with schema_of(acme.workspace):
        move_mark((0, GENESIS), (3, log[2].chain))
        Event.objects.filter(pk=log[2].pk).delete()
        Checkpoint.objects.all().delete()
        seal_by_hand()


def accept(client: Client, acme: Isp, **changes: str) -> HttpResponse:
    said = {"schema": acme.workspace, "reason": "Backup of 3 May", "confirm": acme.workspace}
    return client.post(f"{LOG}verify/", {**said, **changes, "accept": "1"}, follow=True)


def test_the_operator_accepts_the_log_of_a_restored_backup(
    root: Client, alice_at_work: Client, acme: Isp, restored: None
) -> None:
    assert "not as it was written" in verified(alice_at_work)
    assert "A backup was restored" in words_of(root.get(f"{LOG}verify/"))
    assert "This is not the name of the schema" in words_of(accept(root, acme, confirm="w_acm"))
    for changes in ({"reason": ""}, {"schema": "w_nobody", "confirm": "w_nobody"}):
        assert "is being verified" not in words_of(accept(root, acme, **changes))
    assert Due.objects.filter(kind="verification").count() == 1
    assert f"The log of {acme.workspace} is being verified" in words_of(accept(root, acme))
    run_job(str(Due.objects.filter(kind="verification").latest("created_at").pk))
    said = words_of(alice_at_work.get(f"{LOG}verify/"))
    assert "The log is proven" in said
    assert "Events are missing since a backup was restored" in said
    assert "The log had reached number 3" in said
    assert "root@dotmac.example accepted that it goes on from number 2: Backup of 3 May" in said
    with schema_of(acme.workspace):
        assert Event.objects.get(type="log.restored").actor_kind == "platform"


def test_more_than_the_end_is_not_accepted(
    root: Client, alice_at_work: Client, acme: Isp, log: list[Event], restored: None
) -> None:
    with schema_of(acme.workspace):
        Event.objects.filter(pk=log[0].pk).update(data={"plan": "Fiber 1"})
    accept(root, acme)
    run_job(str(Due.objects.filter(kind="verification").latest("created_at").pk))
    said = words_of(alice_at_work.get(f"{LOG}verify/"))
    assert "The end of the log was not accepted" in said
    assert "not as it was written" in said
    assert "More is wrong" in Due.objects.get(kind="verification").reason


def test_nobody_of_an_isp_accepts_anything(
    alice_at_work: Client, alice: Client, acme: Isp, restored: None
) -> None:
    for client in (alice_at_work, alice):
        assert "A backup was restored" not in words_of(client.get(f"{LOG}verify/"))
        # What is posted is an ordinary verification there.
        accept(client, acme)
    with schema_of(acme.workspace):
        assert not Verification.objects.exclude(accepts=None).exists()
        assert not Event.objects.filter(type="log.restored").exists()


def test_values_that_an_event_tells_itself_are_shown_by_name(
    alice_at_work: Client, acme: Isp
) -> None:
    with schema_of(acme.workspace):
        changed = {"phone": {"before": "555 0100", "after": "555 0199"}}
        data = {"changed": changed, "phone": "555 0199"}
        event = events.record("subscriber.updated", actor=CARL, subject=DORA, data=data)
    said = words_of(alice_at_work.get(f"{LOG}{event.pk}/change/"))
    before, after = said.index("555 0100"), said.index("555 0199")
    assert said.index("phone") < before < after
    assert said.count("555 0199") == 1
    assert "not known" not in said
