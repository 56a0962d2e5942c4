"""The log is proven: whatever somebody changes in the database by hand is found and named."""

from collections.abc import Callable
from datetime import timedelta
from importlib import import_module
from io import StringIO
from types import SimpleNamespace

import pytest
from django.apps import apps
from django.core.management import CommandError, call_command
from django.db import connection
from django.db.models import F
from django.utils import timezone

from apps.events import services as events
from apps.events.actors import SYSTEM, Subject
from apps.events.digests import event_digest, hashed, link
from apps.events.exceptions import VerificationBusyError
from apps.events.models import Checkpoint, Cursor, Event
from apps.events.sealing import seal
from apps.events.stamps import stamp_of
from apps.events.stored import COLUMNS, Row, digest_of, whole_digest
from apps.events.verifying import MOST_FINDINGS, Finding, verify
from apps.work.models import Mark
from tests.events.conftest import DORA
from tests.events.found import found
from tests.events.test_log import in_thread, seal_all


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
    Event.objects.filter(pk=rows[2].pk).update(seal_no=1000)
    chain = rows[1].chain
    for number, row in enumerate([rows[3], rows[2], rows[4]], start=3):
        row.seal_no = number
        row.chain = chain = link(chain, row.scheme, row.pk, row.digest)
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
    forged.save(force_insert=True)
    known = link(rows[1].chain, forged.scheme, forged.pk, forged.digest)
    Event.objects.filter(pk=forged.pk).update(chain=known if knows_the_chain else "f" * 64)
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
    forged.save(force_insert=True)
    forged.chain = link(rows[2].chain, forged.scheme, forged.pk, forged.digest)
    forged.save()
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
    late.stamp = stamp_of(late.digest)
    late.save()
    assert found() == [("unsealed", late.pk)]


def test_a_checkpoint_that_is_not_ours_is_never_signed_over(
    log: Callable[[int], list[Event]],
) -> None:
    rows = log(3)
    rows[2].data = {"number": 99}
    rows[2].digest = event_digest(rows[2])
    rows[2].chain = link(rows[1].chain, rows[2].scheme, rows[2].pk, rows[2].digest)
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
            event.stamp = stamp_of(event.digest)
        Event.objects.bulk_create(seed)
        seal_all()
    assert seal() == (0, False)
    assert list(Checkpoint.objects.order_by("seal_no").values_list("seal_no", flat=True)) in (
        [601, 1201],
        [1000, 1201],
    )
    assert verify().findings == list[Finding]()
    assert connection.is_usable()


def test_the_quick_way_to_a_digest_is_the_same(log: Callable[[int], list[Event]]) -> None:
    log(2)
    odd = {"ö": "Ü\n\u2028", "n": [1e-7, 10**30, -0.0, None, {"b": True, "a": ""}]}
    events.record("demo.odd", actor=SYSTEM, subject=Subject("mast", "7", "Ångström 🙂"), data=odd)
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {COLUMNS} FROM events_event")
        for fields in cursor.fetchall():
            assert whole_digest(fields) == digest_of(Row(*fields)) == fields[3]


@pytest.mark.parametrize("scheme", [1, 2, 3, 5])
def test_a_scheme_is_no_way_around_the_digest(
    log: Callable[[int], list[Event]], scheme: int
) -> None:
    third = log(5)[2]
    changed = {"data": {}, "salt": "", "subject_label": "", "erased_by": third.uuid}
    Event.objects.filter(pk=third.pk).update(scheme=scheme, **changed)
    assert ("changed", third.pk) in found()


def cut_back(rows: list[Event], *, to: int) -> None:
    """Take the newest away, with everything in the schema that knows of them."""
    Event.objects.filter(seal_no__gt=to).delete()
    Cursor.objects.all().delete()
    kept = Checkpoint.objects.get()
    seal_of_then = rows[to - 1]
    assert (kept.seal_no, kept.chain) == (seal_of_then.seal_no, seal_of_then.chain)


def test_a_log_cut_back_to_an_older_checkpoint_is_found_by_its_mark(
    log: Callable[[int], list[Event]],
) -> None:
    rows = log(3)
    old = Checkpoint.objects.values("seal_no", "chain", "signature").get()
    log(2)
    assert verify().is_proven
    Checkpoint.objects.update(**old)
    cut_back(rows, to=3)
    (finding,) = verify().findings
    assert finding.text == (
        "Events 4 to 5, the newest, were removed. The mark outside of this log knows them."
    )
    # What is written after does not hide it, however much there is.
    log(4)
    (finding,) = verify().findings
    assert finding.kind == "removed"
    assert "once longer" in finding.text
    Mark.objects.update(number=7, chain=Event.objects.get(seal_no=7).chain)
    assert "not signed" in verify().findings[0].text


def test_one_verification_at_a_time(log: Callable[[int], list[Event]]) -> None:
    log(1)
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(hashtext('verify'), hashtext('c_acme'))")
        try:
            with pytest.raises(VerificationBusyError):
                in_thread(verify)
        finally:
            cursor.execute("SELECT pg_advisory_unlock_all()")
    assert verify().is_proven


def test_a_day_is_found_without_reading_the_whole_log(log: Callable[[int], list[Event]]) -> None:
    now = timezone.now()
    Event.objects.bulk_create(
        Event(
            at=now - timedelta(hours=number),
            type="demo.bulk",
            actor_kind="system",
            subject_type="mast",
            subject_id="7",
        )
        for number in range(4000)
    )
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE events_event")
    day = Event.objects.filter(at__gte=now - timedelta(days=100), at__lt=now - timedelta(days=99))
    plan = day.order_by("-id").explain(analyze=True)
    assert "event_at" in plan
    assert "Seq Scan" not in plan
