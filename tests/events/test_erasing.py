"""A person is taken out of the log, and it still proves."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from apps.core.exceptions import DomainError
from apps.events import services as events
from apps.events.actors import SYSTEM, Subject
from apps.events.digests import content_digest
from apps.events.erasing import ERASED, erase_person
from apps.events.models import Event
from apps.events.stored import claim, erasure_digest
from apps.events.verifying import verify
from tests.events.conftest import ALICE, DORA, EMAIL
from tests.events.found import found
from tests.events.test_log import in_thread, seal_all


def test_a_person_is_erased_and_the_log_stays_proven(log: Callable[[int], list[Event]]) -> None:
    old = events.record("demo.done", actor=ALICE, subject=DORA, data={"name": "Dora"})
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
    assert erase_person([ALICE.id], actor=SYSTEM).events == 6
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


def test_too_short_a_word_erases_nobody(log: Callable[[int], list[Event]]) -> None:
    log(1)
    for words in ([], ["  "], ["ab"]):
        with pytest.raises(DomainError):
            erase_person(words, actor=SYSTEM)
    assert not Event.objects.filter(type=ERASED).exists()


def test_the_command_erases(log: Callable[[int], list[Event]]) -> None:
    log(2)
    out = StringIO()
    call_command("erase_person", EMAIL, "--dry-run", schema="c_acme", stdout=out)
    assert "subscriber.updated: who did it 0, what it was about 2" in out.getvalue()
    assert not Event.objects.filter(erased_by__isnull=False).exists()
    call_command("erase_person", EMAIL, schema="c_acme", stdout=out)
    assert "Erased from 2 events" in out.getvalue()
    with pytest.raises(CommandError, match="letters"):
        call_command("erase_person", "x", schema="c_acme")
    seal_all()
    assert verify().is_proven
