"""A log that ends early since a backup was restored: accepted on purpose, told for ever."""

from collections.abc import Callable
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from apps.core.exceptions import DomainError
from apps.events import services as events
from apps.events.accepting import accept_restored_log
from apps.events.actors import SYSTEM, Actor
from apps.events.breaks import Break
from apps.events.erasing import erase_person
from apps.events.exceptions import NotAcceptedError, NothingToAcceptError
from apps.events.models import Checkpoint, Cursor, Event
from apps.events.verifying import verify
from apps.tenancy.kinds import current_schema, schema_of
from apps.work.models import Mark
from tests.events.conftest import DORA
from tests.events.found import found
from tests.events.test_log import seal_all

OLGA = Actor("platform", "01a0", "olga@dotmac.example")
WHY = "The backup of 3 May, since the disk was lost"
Log = Callable[[int], list[Event]]


@pytest.fixture
def restored(log: Log) -> Mark:
    """A log of five events of which a backup holds three; returns its mark of before."""
    log(3)
    kept = Checkpoint.objects.values("seal_no", "chain", "signature").get()
    log(2)
    Event.objects.filter(seal_no__gt=3).delete()
    Cursor.objects.all().delete()
    Checkpoint.objects.update(**kept)
    return Mark.objects.get()


def test_it_is_accepted_once_and_told_for_ever(restored: Mark, log: Log) -> None:
    assert found() == [("removed", None)]
    event = accept_restored_log(reason=f"  {WHY}\n", actor=OLGA)
    # Proven at once, before the event is sealed, and after.
    for _turn in range(2):
        report = verify()
        assert report.is_proven
        (gap,) = report.breaks
        assert (gap.event_id, gap.who, gap.reason) == (event.pk, "olga@dotmac.example", WHY)
        assert (gap.known, gap.found) == (5, 3)
        seal_all()
    known = event.data["known"]
    assert (known["chain"], known["signature"]) == (restored.chain, restored.signature)
    log(9)
    assert verify().is_proven
    assert len(verify().breaks) == 1
    # The mark goes on: what is cut away now is found again.
    assert Mark.objects.get().number == 13
    with pytest.raises(NothingToAcceptError):
        accept_restored_log(reason=WHY, actor=OLGA)
    Event.objects.filter(seal_no=13).delete()
    assert found() == [("removed", None)]


def test_also_after_others_were_written(restored: Mark, log: Log) -> None:
    log(4)
    assert "once longer" in verify().findings[0].text
    accept_restored_log(reason=WHY, actor=OLGA)
    seal_all()
    assert verify().is_proven
    assert (verify().breaks[0].known, verify().breaks[0].found) == (5, 7)


@pytest.mark.parametrize("log_is_longer", [False, True])
def test_nothing_else_is_accepted_with_it(restored: Mark, log: Log, log_is_longer: bool) -> None:
    if log_is_longer:
        log(4)
    second = Event.objects.get(seal_no=2)
    Event.objects.filter(pk=second.pk).update(data={"number": 99})
    with pytest.raises(NotAcceptedError, match="its content does not match|Its content"):
        accept_restored_log(reason=WHY, actor=OLGA)
    assert not Event.objects.filter(type="log.restored").exists()
    assert Mark.objects.get().number == restored.number


def test_nor_what_was_cut_away_since(restored: Mark, log: Log) -> None:
    log(4)
    newest = Event.objects.order_by("-seal_no")[0]
    Event.objects.filter(pk=newest.pk).delete()
    with pytest.raises(NotAcceptedError):
        accept_restored_log(reason=WHY, actor=OLGA)


def test_nor_a_mark_that_somebody_moved(restored: Mark) -> None:
    Mark.objects.update(number=4, chain="0" * 64)
    with pytest.raises(NotAcceptedError, match="not signed"):
        accept_restored_log(reason=WHY, actor=OLGA)


def test_a_log_that_is_whole_has_nothing_to_accept(log: Log) -> None:
    log(3)
    with pytest.raises(NothingToAcceptError):
        accept_restored_log(reason=WHY, actor=OLGA)
    assert Event.objects.count() == 3


@pytest.mark.parametrize("reason", ["", "  ", "x" * 301])
def test_a_reason_is_needed(restored: Mark, reason: str) -> None:
    with pytest.raises(DomainError) as refused:
        accept_restored_log(reason=reason, actor=OLGA)
    assert refused.value.field == "reason"


def test_nobody_writes_an_acceptance_past_the_software(restored: Mark) -> None:
    facts = {"number": 3, "chain": "0" * 64}
    data = {"reason": WHY, "known": facts, "found": facts, "proof": "0" * 64}
    forged = events.record("log.restored", actor=SYSTEM, subject=DORA, data=data)
    seal_all()
    assert ("changed", forged.pk) in found()
    assert verify().breaks == []


def test_a_break_that_is_changed_afterwards_is_found(restored: Mark) -> None:
    event = accept_restored_log(reason=WHY, actor=OLGA)
    seal_all()
    Event.objects.filter(pk=event.pk).update(data={**event.data, "reason": "It was always so"})
    assert ("changed", event.pk) in found()


def test_who_accepted_can_be_erased_and_what_was_accepted_cannot(restored: Mark) -> None:
    accept_restored_log(reason="erin.example", actor=OLGA)
    erase_person([OLGA.label, "erin.example", current_schema()], actor=SYSTEM)
    seal_all()
    report = verify()
    assert report.is_proven
    (gap,) = report.breaks
    assert (gap.who, gap.reason, gap.known) == ("", "erin.example", 5)
    assert isinstance(gap, Break)


def said(*asked: str) -> str:
    out = StringIO()
    call_command("accept_restored_log", *asked, "--by", "Olga", "--reason", WHY, stdout=out)
    return out.getvalue()


def test_by_the_command(restored: Mark) -> None:
    assert "its mark was at event 5; it goes on from event 3" in said("c_acme")
    out = StringIO()
    call_command("verify_events", schema="c_acme", stdout=out)
    assert f"Olga on {Event.objects.latest('id').at:%Y-%m-%d}" in out.getvalue()
    assert WHY in out.getvalue()
    with pytest.raises(CommandError, match="Not accepted: c_acme"):
        said("c_acme")


def test_by_the_command_in_all_schemas(restored: Mark) -> None:
    with schema_of("w_acme"):
        events.record("demo.done", actor=SYSTEM, subject=DORA)
        seal_all()
    lines = said("--all")
    assert "c_acme: its mark was at event 5" in lines
    assert "w_acme: This log is as long as its mark says" in lines
    with schema_of("w_acme"):
        assert not Event.objects.filter(type="log.restored").exists()


@pytest.mark.parametrize("asked", [(), ("c_acme", "--all"), ("w_nobody",)])
def test_the_command_wants_one_schema_or_all(swept_database: str, asked: tuple[str, ...]) -> None:
    with pytest.raises(CommandError):
        said(*asked)
