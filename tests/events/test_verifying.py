"""The log is proven: whatever somebody changes in the database by hand is found and named."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from functools import partial
from importlib import import_module
from io import StringIO
from types import SimpleNamespace

import pytest
from django.apps import apps
from django.core.management import CommandError, call_command
from django.db import connection
from django.db.models import F
from django.utils import timezone

from apps.core.exceptions import DomainError
from apps.events import services as events
from apps.events.actors import SYSTEM, Actor, Subject
from apps.events.digests import content_digest, event_digest, first_digest, hashed
from apps.events.erasing import ERASED, erase_person
from apps.events.models import Checkpoint, Event
from apps.events.origins import coming_from
from apps.events.sealing import link, seal
from apps.events.stored import claim, erasure_digest
from apps.events.verifying import MOST_FINDINGS, Finding, verify
from apps.tenancy.kinds import schema_of
from tests.events.test_log import in_thread, seal_all

ALICE = Actor("user", "a11ce000-0000-4000-8000-000000000001", "alice@acme.example")
DORA = Subject("subscriber", "d04a0000-0000-4000-8000-000000000002", "Dora Diaz")
EMAIL = "dora@example.org"


@pytest.fixture
def log(swept_database: str) -> Iterator[Callable[[int], list[Event]]]:
    """`log(9)` makes and seals so many events in Acme's console; returns them in order."""

    def make(count: int) -> list[Event]:
        for number in range(count):
            with coming_from(lambda: "192.0.2.7"):
                data = {"number": number, "email": EMAIL, "share": 1.5e30, "none": None}
                events.record("subscriber.updated", actor=ALICE, subject=DORA, data=data)
        seal_all()
        return list(Event.objects.order_by("seal_no"))

    with schema_of("c_acme"):
        yield make


def found() -> list[tuple[str, int | None]]:
    """Kinds and ids of what a verification finds."""
    return [(one.kind, one.event_id) for one in verify().findings]


def as_first(event: Event) -> Event:
    """The event as a release before the second scheme wrote it."""
    event.scheme, event.ip, event.actor_salt = 1, "", ""
    event.digest = first_digest(event)
    event.save()
    return event


def test_an_untouched_log_is_proven(log: Callable[[int], list[Event]]) -> None:
    log(9)
    report = verify()
    assert report.is_proven
    assert (report.events, report.erased, report.checkpoints) == (9, 0, 1)


def test_events_bear_from_where_they_came(log: Callable[[int], list[Event]]) -> None:
    (event,) = log(1)
    assert event.ip == "192.0.2.7"
    assert events.record("demo.done", actor=SYSTEM, subject=DORA).ip == ""


@pytest.mark.parametrize(
    "change",
    [
        {"data": {"number": 99}},
        {"type": "subscriber.archived"},
        {"actor_label": "bob@acme.example"},
        {"ip": "192.0.2.8"},
        {"subject_id": "x"},
        {"at": timezone.now() - timedelta(days=9)},
        {"salt": "0" * 32},
    ],
)
def test_a_changed_event_is_named(log: Callable[[int], list[Event]], change: dict) -> None:
    third = log(5)[2]
    Event.objects.filter(pk=third.pk).update(**change)
    assert found() == [("changed", third.pk)]


def test_one_that_was_changed_with_its_digest_is_named(log: Callable[[int], list[Event]]) -> None:
    third = log(5)[2]
    third.data = {"number": 99}
    third.digest = event_digest(third)
    third.save()
    assert found() == [("removed", third.pk)]
    assert "rewritten" in verify().findings[0].text


def test_a_chain_that_was_written_anew_is_not_the_signed_one(
    log: Callable[[int], list[Event]],
) -> None:
    rows = log(5)
    rows[2].data = {"number": 99}
    rows[2].digest = event_digest(rows[2])
    chain = rows[1].chain
    for row in rows[2:]:
        row.chain = chain = link(chain, row.digest)
        row.save()
    assert found() == [("changed", rows[4].pk)]
    Checkpoint.objects.update(chain=chain)
    assert found() == [("changed", rows[4].pk)]
    assert "not signed" in verify().findings[0].text


def test_a_removed_event_is_named_by_its_number(log: Callable[[int], list[Event]]) -> None:
    rows = log(5)
    rows[2].delete()
    (finding,) = verify().findings
    assert (finding.kind, finding.event_id) == ("removed", rows[3].pk)
    assert "numbers 3 to 3" in finding.text


def test_one_that_was_removed_with_the_rest_renumbered_is_found(
    log: Callable[[int], list[Event]],
) -> None:
    rows = log(5)
    rows[2].delete()
    for row in rows[3:]:
        Event.objects.filter(pk=row.pk).update(seal_no=F("seal_no") - 1)
    assert found() == [("removed", rows[3].pk)]


def test_the_newest_are_missed_too(log: Callable[[int], list[Event]]) -> None:
    rows = log(5)
    rows[4].delete()
    rows[3].delete()
    assert [one.text for one in verify().findings] == ["Events 4 to 5, the newest, were removed."]
    # What is written after does not hide it.
    events.record("demo.done", actor=SYSTEM, subject=DORA)
    seal_all()
    assert [kind for kind, _id in found()] == ["removed"]


def inserted_behind(rows: list[Event], *, knows_the_chain: bool) -> Event:
    """A forged event as the third, with the others moved up."""
    for row in reversed(rows[2:]):
        Event.objects.filter(pk=row.pk).update(seal_no=F("seal_no") + 1)
    forged = Event.objects.get(pk=rows[0].pk)
    forged.pk, forged.uuid, forged.seal_no = None, None, 3
    forged.uuid = Event._meta.get_field("uuid").get_default()
    forged.digest = event_digest(forged)
    forged.chain = link(rows[1].chain, forged.digest) if knows_the_chain else "f" * 64
    forged.save(force_insert=True)
    return forged


@pytest.mark.parametrize("knows_the_chain", [False, True])
def test_an_inserted_event_is_named(
    log: Callable[[int], list[Event]], knows_the_chain: bool
) -> None:
    forged = inserted_behind(log(5), knows_the_chain=knows_the_chain)
    assert found() == [("inserted", forged.pk)]


def test_one_added_behind_the_newest_is_named(log: Callable[[int], list[Event]]) -> None:
    rows = log(3)
    forged = Event.objects.get(pk=rows[0].pk)
    forged.pk, forged.seal_no = None, 4
    forged.uuid = Event._meta.get_field("uuid").get_default()
    forged.digest = event_digest(forged)
    forged.chain = link(rows[2].chain, forged.digest)
    forged.save(force_insert=True)
    assert found() == [("inserted", forged.pk)]
    # What is written after does not hide it.
    events.record("demo.done", actor=SYSTEM, subject=DORA)
    seal_all()
    assert found() == [("inserted", forged.pk)]


def test_reordered_events_are_named(log: Callable[[int], list[Event]]) -> None:
    rows = log(6)
    Event.objects.filter(pk=rows[2].pk).update(seal_no=1000)
    Event.objects.filter(pk=rows[3].pk).update(seal_no=3)
    Event.objects.filter(pk=rows[2].pk).update(seal_no=4)
    assert found() == [("reordered", rows[3].pk)]
    assert verify().findings[0].text == f"It belongs right behind event {rows[2].pk}."


def test_an_event_that_nobody_seals_is_named(log: Callable[[int], list[Event]]) -> None:
    log(2)
    late = events.record("demo.done", actor=SYSTEM, subject=DORA)
    assert verify().is_proven
    late.at = timezone.now() - timedelta(minutes=6)
    late.digest = event_digest(late)
    late.save()
    assert found() == [("unsealed", late.pk)]


def test_what_was_written_before_the_second_scheme_stays_proven(
    log: Callable[[int], list[Event]],
) -> None:
    old = as_first(events.record("demo.done", actor=ALICE, subject=DORA, data={"share": 0.1}))
    log(3)
    assert verify().is_proven
    Event.objects.filter(pk=old.pk).update(data={"share": 0.2})
    assert found() == [("changed", old.pk)]


def test_a_person_is_erased_and_the_log_stays_proven(log: Callable[[int], list[Event]]) -> None:
    old = as_first(events.record("demo.done", actor=ALICE, subject=DORA, data={"name": "Dora"}))
    rows = log(3)
    other = Subject("subscriber", "0", "Emil Ek")
    events.record("subscriber.created", actor=ALICE, subject=other, data={"by": EMAIL})
    events.record("subscriber.archived", actor=ALICE, subject=other)
    erasure = erase_person([DORA.id, EMAIL], actor=SYSTEM)
    seal_all()
    assert erasure.events == 5
    text = str(list(Event.objects.filter(pk__in=[old.pk, *(r.pk for r in rows)]).values()))
    assert EMAIL not in text
    assert "Dora Diaz" not in text
    last = Event.objects.get(type="subscriber.archived")
    assert last.subject_label == "Emil Ek"
    report = verify()
    assert (report.findings, report.erased) == ([], 5)
    # Who acted is another person.
    assert erase_person([ALICE.id], actor=SYSTEM).events == 5
    seal_all()
    assert not Event.objects.filter(actor_label=ALICE.label).exists()
    assert not Event.objects.exclude(ip="").exists()
    assert verify().is_proven


def test_only_a_recorded_erasure_empties(log: Callable[[int], list[Event]]) -> None:
    rows = log(4)
    erasure = erase_person([EMAIL], actor=SYSTEM)
    other = events.record("demo.done", actor=SYSTEM, subject=Subject("mast", "7", "Tower"))
    seal_all()
    assert verify().is_proven
    digest = content_digest(other.salt, other.subject_label, other.data)
    Event.objects.filter(pk=other.pk).update(
        erased_by=erasure.uuid, content_digest=digest, salt="", subject_label="", data={}
    )
    (finding,) = verify().findings
    assert "not what the erasure" in finding.text
    Event.objects.filter(pk=rows[0].pk).update(subject_label="Somebody")
    assert ("changed", rows[0].pk) in found()


def test_an_erasure_that_somebody_else_wrote_is_found(log: Callable[[int], list[Event]]) -> None:
    first = log(2)[0]
    part = content_digest(first.salt, first.subject_label, first.data)
    digest = erasure_digest([claim("content", first.pk, part)])
    forged = events.record(
        ERASED, actor=SYSTEM, subject=Subject("erasure", "x"), data={"digest": digest}
    )
    Event.objects.filter(pk=first.pk).update(
        erased_by=forged.uuid, content_digest=part, salt="", subject_label="", data={}
    )
    seal_all()
    assert found() == [("changed", forged.pk)]


def test_what_was_erased_cannot_be_put_back(log: Callable[[int], list[Event]]) -> None:
    first = log(1)[0]
    erase_person([EMAIL], actor=SYSTEM)
    seal_all()
    assert verify().is_proven
    kept = {"salt": first.salt, "subject_label": first.subject_label, "data": first.data}
    Event.objects.filter(pk=first.pk).update(erased_by=None, content_digest="", **kept)
    assert [kind for kind, _id in found()] == ["changed"]


def test_only_whole_values_name_a_person(log: Callable[[int], list[Event]]) -> None:
    log(1)
    other = Subject("subscriber", "0", "Theodora Diazzo")
    events.record("demo.done", actor=SYSTEM, subject=other, data={"Dora Diaz": EMAIL + ".au"})
    deep = {"people": [{"to": {"email": EMAIL.upper()}}]}
    events.record("demo.told", actor=SYSTEM, subject=other, data=deep)
    assert erase_person(["email", "subscriber.updated"], actor=SYSTEM).events == 0
    assert erase_person(["dora diaz", EMAIL], actor=SYSTEM).events == 2
    assert Event.objects.get(type="demo.done").data
    assert Event.objects.get(type="demo.told").data == {}


def test_two_erasures_at_once_stay_proven(log: Callable[[int], list[Event]]) -> None:
    log(30)
    with ThreadPoolExecutor(2) as pool:
        erase = partial(in_thread, partial(erase_person, [EMAIL, DORA.id], actor=SYSTEM))
        both = [pool.submit(erase) for _turn in range(2)]
        assert sorted(one.result(60).events for one in both) == [0, 30]
    seal_all()
    assert verify().is_proven


def test_a_checkpoint_that_is_not_ours_is_never_signed_over(
    log: Callable[[int], list[Event]],
) -> None:
    rows = log(3)
    rows[2].data = {"number": 99}
    rows[2].digest = event_digest(rows[2])
    rows[2].chain = link(rows[1].chain, rows[2].digest)
    rows[2].save()
    Checkpoint.objects.update(chain=rows[2].chain)
    events.record("demo.done", actor=SYSTEM, subject=DORA)
    seal_all()
    assert ("changed", rows[2].pk) in found()


def test_checkpoints_that_are_gone_are_missed(log: Callable[[int], list[Event]]) -> None:
    log(3)
    Checkpoint.objects.all().delete()
    assert found() == [("removed", None)]
    events.record("demo.done", actor=SYSTEM, subject=DORA)
    seal_all()
    assert found() == [("removed", None)]


def test_an_upgrade_signs_the_end_of_the_chain_once(log: Callable[[int], list[Event]]) -> None:
    log(3)
    Checkpoint.objects.all().delete()
    migration = import_module("apps.events.migrations.0003_first_checkpoint")
    migration.sign(apps, SimpleNamespace(connection=connection))
    assert verify().is_proven
    events.record("demo.done", actor=SYSTEM, subject=DORA)
    seal_all()
    assert verify().is_proven


def test_more_wrong_than_anybody_follows_up_ends_the_search(
    log: Callable[[int], list[Event]],
) -> None:
    log(MOST_FINDINGS + 5)
    Event.objects.update(data={})
    assert len(verify().findings) == MOST_FINDINGS


def test_too_short_a_word_erases_nobody(log: Callable[[int], list[Event]]) -> None:
    log(1)
    for words in ([], ["  "], ["ab"]):
        with pytest.raises(DomainError):
            erase_person(words, actor=SYSTEM)
    assert not Event.objects.filter(type=ERASED).exists()


def test_texts_do_not_run_into_each_other() -> None:
    assert hashed("ab", "c") != hashed("a", "bc")
    assert hashed("a") != hashed("a", "")


def test_the_command_names_what_is_wrong_and_fails(log: Callable[[int], list[Event]]) -> None:
    third = log(4)[2]
    out = StringIO()
    call_command("verify_events", stdout=out)
    assert "c_acme: 4 events" in out.getvalue()
    assert "public:" in out.getvalue()
    Event.objects.filter(pk=third.pk).update(data={})
    with pytest.raises(CommandError, match=r"c_acme\.$"):
        call_command("verify_events", schema="c_acme", stdout=out)
    assert f"changed: event {third.pk}: " in out.getvalue()
    call_command("verify_events", schema="w_acme", stdout=out)
    with pytest.raises(CommandError, match="no schema"):
        call_command("verify_events", schema="c_nobody")


def test_the_command_erases(log: Callable[[int], list[Event]]) -> None:
    log(2)
    out = StringIO()
    call_command("erase_person", EMAIL, schema="c_acme", stdout=out)
    assert "Erased from 2 events" in out.getvalue()
    with pytest.raises(CommandError, match="letters"):
        call_command("erase_person", "x", schema="c_acme")
    seal_all()
    assert verify().is_proven


def test_checkpoints_are_kept_of_every_thousand(log: Callable[[int], list[Event]]) -> None:
    log(1)
    for _turn in range(2):
        seed = [
            Event(
                at=timezone.now(),
                type="demo.bulk",
                actor_kind="system",
                subject_type="mast",
                subject_id=f"{n}",
                salt="s",
            )
            for n in range(600)
        ]
        for event in seed:
            event.digest = event_digest(event)
        Event.objects.bulk_create(seed)
        seal_all()
    assert seal() == (0, False)
    assert list(Checkpoint.objects.order_by("seal_no").values_list("seal_no", flat=True)) in (
        [601, 1201],
        [1000, 1201],
    )
    assert verify().findings == list[Finding]()
    assert connection.is_usable()
