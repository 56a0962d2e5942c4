"""Servers that do not answer: noticed after two probes, waited for, and back after one."""

import socket
import threading
from contextlib import closing

import pytest
from django.utils.translation import override

from apps.core.exceptions import ConflictError
from apps.events.actors import SYSTEM
from apps.events.models import Event
from apps.fleet import engines, probes, services
from apps.fleet.models import Server
from apps.operations.exceptions import HoldError
from dotmac.engine import EngineError, ErrorCode
from tests.fleet.conftest import make_server, reserve


def status(server):
    server.refresh_from_db()
    return server.status


def cut_off(server, is_so=True):
    engines.fake_engine(server.name).host.unreachable = is_so


def events():
    return list(Event.objects.order_by("id").values_list("type", "subject_label"))


def test_one_lost_answer_is_no_outage(server):
    cut_off(server)
    assert probes.probe_all() == 0
    assert status(server) == Server.Status.ACTIVE
    cut_off(server, False)
    probes.probe_all()
    cut_off(server)
    assert probes.probe_all() == 0
    assert status(server) == Server.Status.ACTIVE


def test_a_server_is_unreachable_after_two_failed_probes_and_back_after_one_good_one(server):
    cut_off(server)
    assert [probes.probe_all(), probes.probe_all(), probes.probe_all()] == [0, 1, 0]
    assert status(server) == Server.Status.UNREACHABLE
    assert "does not answer" in server.status_note
    cut_off(server, False)
    assert probes.probe_all() == 1
    assert status(server) == Server.Status.ACTIVE
    assert (server.failed_probes, server.status_note, server.engine_version) == (0, "", "fake")
    assert events() == [("server.unreachable", "fra-1"), ("server.recovered", "fra-1")]


def test_a_closed_port_counts_as_no_answer(operator_schema, settings):
    settings.ENGINE_KIND = "docker"
    with closing(socket.create_server(("127.0.0.1", 0))) as taken:
        port = taken.getsockname()[1]
    server = make_server(engine_url=f"tcp://127.0.0.1:{port}")
    assert [probes.probe_all(), probes.probe_all()] == [0, 1]
    assert status(server) == Server.Status.UNREACHABLE
    assert Event.objects.get().data["error"]


def test_an_engine_that_hangs_counts_as_no_answer(operator_schema, settings):
    settings.ENGINE_KIND = "docker"
    with closing(socket.create_server(("127.0.0.1", 0))) as silent:
        server = make_server(engine_url=f"tcp://127.0.0.1:{silent.getsockname()[1]}")
        assert [probes.probe_all(0.05), probes.probe_all(0.05)] == [0, 1]
        assert status(server) == Server.Status.UNREACHABLE
        assert server.status_note == "It took too long to answer."
    probes._asked[server.name].exception(timeout=30)  # the engine's own patience ends it


def test_two_probes_at_the_same_moment_count_once(server):
    cut_off(server)
    seen = [Server.objects.get(), Server.objects.get()]
    assert [probes.probe(one) for one in seen] == [False, False]
    assert Server.objects.get().failed_probes == 1


def test_a_retired_server_is_not_probed(server):
    Server.objects.update(status=Server.Status.RETIRED)
    cut_off(server)
    assert probes.probe_all() == 0
    assert Server.objects.get().last_probe_at is None


def test_a_draining_server_drains_on_after_an_outage(server):
    Server.objects.update(is_draining=True)
    cut_off(server)
    probes.probe_all()
    probes.probe_all()
    cut_off(server, False)
    probes.probe_all()
    assert (status(server), server.is_draining) == (Server.Status.ACTIVE, True)


def test_an_operation_holds_while_its_server_is_away(server):
    engines.guard(server)
    cut_off(server)
    probes.probe_all()
    probes.probe_all()
    since = Server.objects.get().failing_since
    with pytest.raises(HoldError) as hold:
        engines.guard(server)
    assert f"Server fra-1 does not answer since {since:%H:%M} UTC" in str(hold.value)


def test_who_waits_is_found_by_the_reason_in_whatever_language_they_read_it(server):
    cut_off(server)
    with override("fr"), pytest.raises(HoldError) as hold, engines.holding(server):
        engines.engine_of(server).container("web")
    assert str(hold.value).startswith(engines.away_prefix(server))


def test_a_call_that_is_not_answered_lets_the_operation_wait(server):
    cut_off(server)
    with pytest.raises(HoldError, match="Server fra-1 does not answer"), engines.holding(server):
        engines.engine_of(server).container("web")


def test_no_server_of_the_region_lets_the_operation_wait(server):
    Server.objects.update(status=Server.Status.UNREACHABLE)
    with pytest.raises(HoldError, match="No server of region Frankfurt"), engines.holding():
        reserve()


def test_other_failures_of_an_engine_are_not_waited_for(server):
    fake = engines.fake_engine(server.name)
    fake.fail("container", EngineError("No room.", permanent=True, code=ErrorCode.NO_SPACE))
    with pytest.raises(EngineError, match="No room"), engines.holding(server):
        engines.engine_of(server).container("web")


class Clock:
    """Seconds that pass when the test says so."""

    now = 100.0

    def __call__(self):
        return self.now


class Host:
    """Counts the calls that reach it."""

    def __init__(self):
        self.calls, self.is_away = 0, True

    def ask(self):
        self.calls += 1
        if self.is_away:
            raise EngineError("Gone.", permanent=False, code=ErrorCode.UNREACHABLE)
        return "here"


def fails(breaker, host):
    with pytest.raises(EngineError) as error:
        breaker.call(host.ask)
    return error.value


def test_after_one_unanswered_call_the_others_fail_at_once():
    clock, host = Clock(), Host()
    breaker = engines.Breaker("fra-1", clock)
    fails(breaker, host)
    error = fails(breaker, host)
    assert (error.code, error.permanent, host.calls) == (ErrorCode.UNREACHABLE, False, 1)
    assert "Server fra-1 does not answer" in error.message


def test_after_a_while_one_call_tries_and_an_answer_lets_all_through():
    clock, host = Clock(), Host()
    breaker = engines.Breaker("fra-1", clock)
    fails(breaker, host)
    clock.now += engines.OPEN_S
    fails(breaker, host)
    fails(breaker, host)
    assert host.calls == 2
    clock.now += engines.OPEN_S
    host.is_away = False
    assert [breaker.call(host.ask) for _ in range(3)] == ["here"] * 3


def test_while_one_call_tries_the_others_go_on_failing():
    clock, host = Clock(), Host()
    breaker = engines.Breaker("fra-1", clock)
    fails(breaker, host)
    clock.now += engines.OPEN_S
    trying, go_on = threading.Event(), threading.Event()

    def slow():
        trying.set()
        go_on.wait(20)
        return "here"

    trier = threading.Thread(target=breaker.call, args=[slow])
    trier.start()
    assert trying.wait(20)
    fails(breaker, host)
    go_on.set()
    trier.join(20)
    assert host.calls == 1
    host.is_away = False
    assert breaker.call(host.ask) == "here"


def test_the_engine_of_a_server_is_one_and_breaks_for_itself(operator_schema):
    lost, other = make_server("fra-1"), make_server("fra-2")
    assert engines.engine_of(lost) is engines.engine_of(lost)
    cut_off(lost)
    for _ in range(3):
        with pytest.raises(EngineError):
            engines.engine_of(lost).ping()
    assert engines.fake_engine("fra-1").calls == [("ping", "")]
    assert engines.engine_of(other).ping().version == "fake"


def test_the_operator_drains_activates_and_retires(server):
    services.drain(server, actor=SYSTEM)
    services.activate_server(server, actor=SYSTEM)
    services.retire(server, actor=SYSTEM)
    assert status(server) == Server.Status.RETIRED
    services.activate_server(server, actor=SYSTEM)
    assert status(server) == Server.Status.ACTIVE
    assert [name for name, _ in events()] == [
        "server.draining",
        "server.activated",
        "server.retired",
        "server.activated",
    ]


def test_a_server_with_placements_is_not_retired(server):
    reserve()
    with pytest.raises(ConflictError, match="still has 1 placement"):
        services.retire(server, actor=SYSTEM)


def test_what_waits_in_any_schema_goes_on_when_its_server_is_back(
    server, acme, in_console, run_due, held_operation
):
    with in_console(acme):
        operation = held_operation(server)
    cut_off(server)
    probes.probe_all()
    probes.probe_all()
    assert run_due() == ["ran"]
    with in_console(acme):
        operation.refresh_from_db()
    assert operation.status == "waiting"
    assert operation.waits_for.startswith("Server fra-1 does not answer since")
    assert run_due() == []
    cut_off(server, False)
    probes.probe_all()
    assert run_due() == ["ran"]
    with in_console(acme):
        operation.refresh_from_db()
    assert operation.status == "succeeded"
