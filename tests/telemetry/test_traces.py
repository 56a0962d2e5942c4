"""Traces: one for all that a request led to, in whichever process; none costs a request."""

import json
import os
from pathlib import Path

import pytest
from allauth.account.models import EmailAddress
from django.utils import timezone

from apps.accounts.models import User
from apps.events.actors import SYSTEM, Subject
from apps.operations import services as operations
from apps.operations.models import Operation
from apps.tenancy.kinds import operator, schema_of
from apps.work import services as work
from apps.work.leases import claim
from apps.work.models import Due
from dev.ports import free_port
from dotmac.crypto.secret import Secret
from dotmac.telemetry import tracing
from tests.live_platform import until
from tests.telemetry.collector import Collector
from tests.telemetry.conftest import Install
from tests.telemetry.engine import pipelines as _known
from tests.telemetry.test_logs import form

__all__ = ["_known"]
CONSOLE = "acme.dotmac.localhost"
# Sent soon, so that no test waits for a batch.
QUICK = {"OTEL_BSP_SCHEDULE_DELAY": "100"}


def failed_operation(name: str) -> Operation:
    """An operation of Acme's console that a person may repeat."""
    with schema_of("c_acme"):
        made = operations.start(name, subject=Subject("mast", "7", "Tower"), actor=SYSTEM)
        rows = Operation.objects.filter(pk=made.pk)
        rows.update(status=Operation.Status.FAILED, finished_at=timezone.now())
        Due.objects.filter(subject=str(made.uuid)).delete()
        return made


def test_a_request_its_work_and_the_engine_it_asks_are_one_trace(
    install: Install, collector: Collector, engine_address: str, key: Secret
) -> None:
    operation = failed_operation("telemetry.ask")
    place = install(
        **QUICK, OTEL_EXPORTER_OTLP_ENDPOINT=collector.url, TELEMETRY_ENGINE=engine_address
    )
    place.start("web", "worker")
    answer = place.ask(
        "POST",
        f"/api/v1/operations/{operation.uuid}/retry/",
        host=CONSOLE,
        Authorization=f"Bearer {key.reveal()}",
    )
    assert answer.status == 202
    until(lambda: collector.named("work operation"), what="The worker's span")
    (asked,) = collector.named("POST operation-retry")
    (step,) = collector.named("run telemetry.ask ask")
    (ran,) = [one for one in collector.named("work operation") if one.trace == asked.trace]
    assert ran.parent == asked.id
    assert (asked.process, ran.process) == ("dotmac-web", "dotmac-worker")
    assert step.parent == ran.id
    engine = collector.named("docker GET")
    assert engine
    for one in engine:
        assert one.trace == asked.trace
        assert collector.above(one)[:2] == ["run telemetry.ask ask", "work operation"]
    written = [*collector.named("INSERT"), *collector.named("UPDATE")]
    around = {name for one in written if one.trace == asked.trace for name in collector.above(one)}
    assert {"POST operation-retry", "work operation"} <= around
    lines = place.lines("worker", trace=asked.trace) + place.lines("web", trace=asked.trace)
    assert place.lines("web", trace=asked.trace, event="request", route="operation-retry")
    assert all(one["release"] for one in lines)
    sent = b"".join(collector.texts)
    assert key.reveal().encode() not in sent
    assert key.reveal().split("_", 2)[2].encode() not in sent


def test_what_crashes_is_marked_without_its_text(
    install: Install, collector: Collector, key: Secret
) -> None:
    operation = failed_operation("telemetry.crash")
    place = install(**QUICK, OTEL_EXPORTER_OTLP_ENDPOINT=collector.url)
    place.start("web", "worker")
    place.ask(
        "POST",
        f"/api/v1/operations/{operation.uuid}/retry/",
        host=CONSOLE,
        Authorization=f"Bearer {key.reveal()}",
    )
    until(lambda: collector.named("work operation"), what="The worker's span")
    (step,) = collector.named("run telemetry.crash crash")
    assert (step.failed, step.why, step.events) == (True, "RuntimeError", [])
    (line,) = place.lines("worker", event="step_crashed")
    assert line["step"] == "crash"
    assert line["trace"] == step.trace
    assert line["schema"] == "c_acme"
    assert line["process"] == "worker"
    assert line["work"]


def test_each_forked_worker_sends_its_own_spans(install: Install, collector: Collector) -> None:
    place = install(**QUICK, WORKERS="2", OTEL_EXPORTER_OTLP_ENDPOINT=collector.url)
    place.start("worker")

    def have_more() -> bool:
        with schema_of("public"):
            work.enqueue("no.such.kind", os.urandom(8).hex(), title="Nobody's")
        return len({one.instance for one in collector.named("work no.such.kind")}) == 2

    until(have_more, what="Spans of both workers")
    ids = [one.id for one in collector.named("work no.such.kind")]
    assert len(set(ids)) == len(ids)


def test_a_collector_that_is_away_costs_no_request(install: Install, key: Secret) -> None:
    place = install(**QUICK, OTEL_EXPORTER_OTLP_ENDPOINT=f"http://127.0.0.1:{free_port()}")
    place.start("web", "worker")
    for _turn in range(20):
        answer = place.ask(
            "GET",
            "/api/v1/operations/",
            host=CONSOLE,
            Authorization=f"Bearer {key.reveal()}",
        )
        assert answer.status == 200
    with operator():
        due = work.enqueue("retention", "all", title="Delete what is past its time")
    until(lambda: Due.objects.get(pk=due.pk).state == Due.State.DONE, what="The end of the work")
    assert place.lines("web", event="request", status=200)[-1]["trace"]
    web = place.processes["web"]
    web.terminate()
    # Not the thirty seconds that the library would wait for a collector.
    assert web.wait(15) is not None


def test_without_a_collector_nothing_is_loaded(install: Install) -> None:
    place = install()
    place.start("web")
    maps = Path(f"/proc/{place.processes['web'].pid}/maps").read_text()
    assert place.ask("GET", "/accounts/login/", host=CONSOLE).status < 400
    assert "protobuf" not in maps
    assert "trace" not in place.lines("web", event="request")[-1]


@pytest.mark.django_db
def test_work_that_waits_long_is_no_part_of_the_request_any_more(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    monkeypatch.setattr(tracing, "traceparent", lambda: asked)
    with operator():
        due = work.enqueue("retention", "all", title="x")
        for seconds, kept in ((5, asked), (3600, "")):
            lease = claim(str(due.pk))
            assert lease is not None
            assert lease.traceparent == asked
            with lease.atomic():
                work.postpone(lease, seconds=seconds, reason="later")
            assert Due.objects.get(pk=due.pk).traceparent == kept
            Due.objects.filter(pk=due.pk).update(due_at=timezone.now())


def test_a_stranger_s_trace_is_not_continued(
    install: Install, collector: Collector, key: Secret
) -> None:
    theirs = "0af7651916cd43dd8448eb211c80319c"
    place = install(
        **QUICK, OTEL_EXPORTER_OTLP_ENDPOINT=collector.url, REQUEST_ID_TOKEN="between-us"
    )
    place.start("web")
    parent = {"traceparent": f"00-{theirs}-b7ad6b7169203331-01"}
    place.ask("GET", "/accounts/login/", host=CONSOLE, **parent)
    place.ask("GET", "/accounts/login/", host=CONSOLE, **parent, X_Request_Id_Token="between-us")
    until(lambda: len(collector.named("GET account_login")) == 2, what="Two spans")
    assert [one.trace == theirs for one in collector.named("GET account_login")] == [False, True]


def test_what_leaves_is_part_of_the_request_that_asked_for_it(
    install: Install, collector: Collector, key: Secret
) -> None:
    with operator():
        User.objects.filter(email="dave@acme.example").delete()
        user = User.objects.create_user("dave@acme.example", "a-long-passphrase")
        EmailAddress.objects.create(user=user, email=user.email, verified=True, primary=True)
    place = install(
        **QUICK, OTEL_EXPORTER_OTLP_ENDPOINT=collector.url, WEBHOOK_NETWORKS="127.0.0.0/8"
    )
    place.start("web", "worker")
    form(place, "/accounts/password/reset/", "dotmac.localhost", email="dave@acme.example")
    bearer = {"Authorization": f"Bearer {key.reveal()}", "Content_Type": "application/json"}
    # Whatever answers there takes no webhook.
    body = json.dumps({"url": f"{collector.url}/secret-path", "types": ["webhook.*"]})
    made = place.ask("POST", "/api/v1/webhooks/", host=CONSOLE, body=body, **bearer)
    assert made.status == 201, made.text
    tested = place.ask("POST", f"/api/v1/webhooks/{made.json['id']}/test/", host=CONSOLE, **bearer)
    assert tested.status < 300, tested.text
    for name, asked_by in (
        ("mail", "POST account_reset_password"),
        ("webhook POST", "POST "),
    ):
        until(lambda name=name: collector.named(name), what=f"The span of a {name}")
        sent = collector.named(name)[0]
        until(lambda sent=sent: len(collector.above(sent)) == 2, what="The spans around it")
        assert collector.above(sent)[1].startswith(asked_by)
    told = b"".join(collector.texts)
    assert b"dave@acme" not in told
    assert b"secret-path" not in told
