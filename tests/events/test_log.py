"""The event log: chained in an order that never changes, told once, and never a lost one."""

import json
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from django.db import DataError, connection, transaction
from django.test.utils import CaptureQueriesContext

from apps.events import services as events
from apps.events.actors import SYSTEM, Subject
from apps.events.digests import event_digest
from apps.events.models import Cursor, Event
from apps.events.sealing import GENESIS, link, seal
from apps.events.verifying import verify
from apps.tenancy.kinds import schema_of
from apps.work import services as work
from apps.work.models import Due, Signal
from apps.work.registry import beats
from tests.live import in_vain
from tests.operations.nursery import until

TOWER = Subject("mast", "7", "Tower")


def many(count: int) -> list[Subject]:
    """So many masts."""
    return [Subject("mast", str(number), f"Tower {number}") for number in range(count)]


@pytest.fixture
def console(swept_database: str, acme) -> Iterator[None]:
    """In Acme's console, with real commits."""
    with schema_of(acme.console):
        yield


def record(type: str = "mast.built", **data: object) -> Event:
    """An event in a transaction of its own."""
    with transaction.atomic():
        return events.record(type, actor=SYSTEM, subject=TOWER, data=data)


def in_thread(task: Callable[[], Any]) -> Any:
    """What a task answers on another connection, in Acme's console."""

    def labour() -> Any:
        try:
            with schema_of("c_acme"):
                return task()
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as pool:
        return pool.submit(labour).result(60)


def sealed() -> list[str]:
    """Types of the sealed events, in the chain's order."""
    rows = Event.objects.filter(seal_no__isnull=False).order_by("seal_no")
    return list(rows.values_list("type", flat=True))


def seal_all() -> None:
    """Seal until nothing waits; transactions of other tests on this server are waited for."""
    until(lambda: not seal()[1], "The sealing", 60)


def assert_chain_holds() -> None:
    """Every digest and every link, computed again from what is stored."""
    chain = GENESIS
    for number, event in enumerate(Event.objects.exclude(seal_no=None).order_by("seal_no"), 1):
        assert event.digest == event_digest(event)
        chain = link(chain, event.scheme, event.pk, event.digest)
        assert (event.seal_no, event.chain) == (number, chain)


def pump() -> None:
    """The clock's beat that seals and shows events."""
    (beat,) = [beat for beat in beats() if beat.name == "events.pump"]
    beat.run()


def pump_all() -> None:
    """The clock's beat until there is no news."""
    until(lambda: (pump(), not Signal.objects.exists())[1], "The end of the news", 60)


@pytest.fixture
def reaction() -> Iterator[Callable[[str, events.Reaction], None]]:
    """Register a reaction for one test."""
    registered: list[tuple[str, events.Reaction]] = []

    def register(type: str, function: events.Reaction) -> None:
        events.reacts_to(type)(function)
        registered.append((type, function))

    yield register
    for type, function in registered:
        events._reactions[type].remove(function)


def test_the_chain_is_proved_by_computing_it_again(console: None) -> None:
    for number in range(7):
        record(number=number, note="Übergabe – 塔", when=None, share="12.50", tags=["a", "b"])
    until(lambda: seal(limit=3)[0] == 3, "The sealing of some", 60)
    seal_all()
    assert len(sealed()) == 7
    assert seal() == (0, False)
    assert_chain_holds()


def test_what_python_writes_otherwise_than_json_reads_still_proves(console: None) -> None:
    record(by_number={10: "ten", 9: "nine"}, pair=(1, 2), id=uuid4(), share=1.5)
    seal_all()
    assert_chain_holds()


def test_a_changed_event_breaks_the_chain(console: None) -> None:
    record(amount="10.00")
    seal_all()
    Event.objects.update(data={"amount": "99.00"})
    with pytest.raises(AssertionError):
        assert_chain_holds()


def test_erasing_a_person_leaves_the_chain_whole(console: None) -> None:
    for _time in range(3):
        record(email="carol@example.org")
    seal_all()
    Event.objects.filter(seal_no=2).update(data={}, salt="", subject_label="")
    chain = GENESIS
    for event_id, scheme, digest, stored in Event.objects.order_by("seal_no").values_list(
        "id", "scheme", "digest", "chain"
    ):
        chain = link(chain, scheme, event_id, digest)
        assert chain == stored


def test_a_late_commit_is_waited_for_and_never_skipped(console: None) -> None:
    wrote, may_commit = threading.Event(), threading.Event()

    def slow_writer() -> None:
        with transaction.atomic():
            events.record("mast.slow", actor=SYSTEM, subject=TOWER)
            wrote.set()
            assert may_commit.wait(60)

    record("mast.before")
    writer = threading.Thread(target=in_thread, args=(slow_writer,))
    writer.start()
    assert wrote.wait(30)
    record("mast.after")
    until(lambda: seal()[0], "The sealing of what was before", 60)
    assert sealed() == ["mast.before"]
    assert seal() == (0, True)
    may_commit.set()
    writer.join(60)
    seal_all()
    assert sorted(sealed()) == ["mast.after", "mast.before", "mast.slow"]
    assert_chain_holds()


def test_a_reader_that_follows_the_seal_sees_the_late_commit(
    console: None, reaction: Callable[[str, events.Reaction], None]
) -> None:
    seen: list[str] = []
    for type in ("mast.slow", "mast.after"):
        reaction(type, lambda event: seen.append(event.type))
    wrote, may_commit = threading.Event(), threading.Event()

    def slow_writer() -> None:
        with transaction.atomic():
            events.record("mast.slow", actor=SYSTEM, subject=TOWER)
            wrote.set()
            assert may_commit.wait(60)

    writer = threading.Thread(target=in_thread, args=(slow_writer,))
    writer.start()
    assert wrote.wait(30)
    record("mast.after")
    pump()
    assert seen == []
    assert Signal.objects.exists()
    may_commit.set()
    writer.join(60)
    until(lambda: (pump(), len(seen) == 2)[1], "Both reactions")
    assert sorted(seen) == ["mast.after", "mast.slow"]
    assert not Signal.objects.exists()


def test_sealers_at_once_make_one_chain(console: None) -> None:
    for _time in range(30):
        record()
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _n: in_thread(lambda: seal(limit=4)), range(16)))
    seal_all()
    assert len(sealed()) == 30
    assert_chain_holds()


def test_writers_do_not_wait_for_each_other(console: None, swept_database: str) -> None:
    def impatient() -> None:
        with transaction.atomic():
            connection.cursor().execute("SET LOCAL lock_timeout = '100ms'")
            events.record("mast.second", actor=SYSTEM, subject=TOWER)

    with transaction.atomic():
        events.record("mast.first", actor=SYSTEM, subject=TOWER)
        in_thread(impatient)
    assert Event.objects.count() == 2


def test_writers_do_not_wait_for_the_sealer(console: None, swept_database: str) -> None:
    record()
    with transaction.atomic():
        seal()
        in_thread(lambda: (connection.cursor().execute("SET lock_timeout = '100ms'"), record()))
    assert Event.objects.count() == 2


def test_events_of_a_rolled_back_transaction_do_not_exist(console: None) -> None:
    in_vain(lambda: record("mast.never"))
    record("mast.built")
    seal_all()
    assert sealed() == ["mast.built"]
    assert_chain_holds()


def test_each_schema_has_a_chain_of_its_own(console: None, acme, initech) -> None:
    record("mast.acme")
    with schema_of(initech.workspace):
        record("mast.initech")
    pump_all()
    assert sealed() == ["mast.acme"]
    with schema_of(initech.workspace):
        assert sealed() == ["mast.initech"]
        assert_chain_holds()


def test_reactions_happen_once_and_in_order(
    console: None, reaction: Callable[[str, events.Reaction], None]
) -> None:
    seen: list[object] = []
    reaction("mast.built", lambda event: seen.append(event.data["number"]))
    for number in range(25):
        record(number=number)
    seal_all()
    assert [events.dispatch(limit=10) for _time in range(4)] == [10, 10, 5, 0]
    assert seen == list(range(25))


def test_a_reaction_that_raises_is_repeated_and_holds_the_later_ones_back(
    console: None, reaction: Callable[[str, events.Reaction], None]
) -> None:
    moods = iter([True, True, False, False, False])

    def react(event: Event) -> None:
        work.note_failure("seen", str(event.data["number"]), title="Seen", reason="")
        if event.data["number"] == 1 and next(moods):
            raise ZeroDivisionError

    def seen() -> list[str]:
        rows = Due.objects.filter(kind="seen").order_by("created_at")
        return list(rows.values_list("subject", flat=True))

    reaction("mast.built", react)
    for number in range(3):
        record(number=number)
    seal_all()
    assert events.dispatch() == 1
    assert (seen(), Cursor.objects.get().seal_no) == (["0"], 1)
    assert events.dispatch() == 0
    assert seen() == ["0"]
    assert events.dispatch() == 2
    assert seen() == ["0", "1", "2"]
    assert not Due.objects.filter(kind=events.FAILED_REACTION).exists()


def test_an_event_that_always_fails_does_not_block_its_schema(
    console: None, reaction: Callable[[str, events.Reaction], None]
) -> None:
    works: list[str] = []

    def poisoned(event: Event) -> None:
        raise ZeroDivisionError

    for type in ("mast.poison", "mast.later"):
        reaction(type, lambda event: works.append(event.type))
    reaction("mast.poison", poisoned)
    poison = record("mast.poison")
    record("mast.later")
    seal_all()
    passed = [events.dispatch() for _time in range(events.PATIENCE)]
    assert passed == [0] * (events.PATIENCE - 1) + [2]
    # The reaction that works is not lost with the one that fails.
    assert works[-2:] == ["mast.poison", "mast.later"]
    noted = Due.objects.get(kind=events.FAILED_REACTION)
    assert (noted.schema, noted.subject, noted.state) == ("c_acme", str(poison.uuid), "failed")
    assert "poisoned raised ZeroDivisionError" in noted.reason
    assert events.dispatch() == 0


def test_a_database_that_goes_away_is_no_fault_of_the_reaction(
    console: None, reaction: Callable[[str, events.Reaction], None], swept_database: str
) -> None:
    def cut_off(_event: Event) -> None:
        with psycopg.connect(swept_database, autocommit=True) as other:
            own = connection.connection.info.backend_pid
            other.execute("SELECT pg_terminate_backend(%s)", [own])
        connection.cursor().execute("SELECT 1")

    reaction("mast.built", cut_off)
    record()
    seal_all()
    with pytest.raises(Exception, match="terminat|closed"):
        events.dispatch()
    connection.close()
    assert not Cursor.objects.filter(failures__gt=0).exists()


def test_two_readers_at_once_show_each_event_once(
    console: None, reaction: Callable[[str, events.Reaction], None]
) -> None:
    seen: list[object] = []
    reaction("mast.built", lambda event: seen.append(event.data["number"]))
    for number in range(20):
        record(number=number)
    seal_all()
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _n: in_thread(events.dispatch), range(4)))
    assert seen == list(range(20))


def test_a_clock_that_dies_while_it_pumps_loses_no_event(
    console: None, reaction: Callable[[str, events.Reaction], None]
) -> None:
    class Death(BaseException):
        """The clock is gone."""

    deaths = iter([True])

    def react(_event: Event) -> None:
        if next(deaths, False):
            raise Death
        seen.append(1)

    seen: list[int] = []
    reaction("mast.built", react)
    record()
    with pytest.raises(Death):
        pump_all()
    pump_all()
    assert seen == [1]


def test_a_schema_that_is_gone_does_not_stop_the_others(console: None) -> None:
    Signal.objects.create(schema="c_gone", kind=events.SIGNAL)
    record()
    pump_all()
    assert sealed() == ["mast.built"]
    assert not Signal.objects.exists()


def test_an_event_reads_back_as_it_was_written(console: None) -> None:
    made = record(plan="Fiber 100", price="29.90")
    found = Event.objects.get(uuid=made.uuid)
    assert (found.type, found.data) == ("mast.built", {"plan": "Fiber 100", "price": "29.90"})
    assert (found.subject_type, found.subject_id, found.subject_label) == ("mast", "7", "Tower")
    assert (found.actor_kind, found.actor_label) == ("system", "DotMac")
    json.dumps(found.data)


def test_many_at_once_are_one_statement_and_sealed_like_each_alone(console: None) -> None:
    told = [(mast, {"height": index / 3}) for index, mast in enumerate(many(1000))]
    with transaction.atomic(), CaptureQueriesContext(connection) as asked:
        events.record_many("mast.built", told, actor=SYSTEM)
        events.record_many("mast.built", [], actor=SYSTEM)
    assert len([one for one in asked if "events_event" in one["sql"]]) == 1
    assert Signal.objects.filter(schema="c_acme", kind=events.SIGNAL).exists()
    seal_all()
    assert_chain_holds()
    assert verify().is_proven
    made = Event.objects.filter(type="mast.built", subject_label__startswith="Tower ")
    assert [event.subject_id for event in made.order_by("id")] == [mast.id for mast, _data in told]


def test_a_label_that_is_too_long_is_not_cut_off(console: None) -> None:
    with pytest.raises(DataError), transaction.atomic():
        events.record_many("mast.built", [(Subject("mast", "7", "T" * 201), {})], actor=SYSTEM)
