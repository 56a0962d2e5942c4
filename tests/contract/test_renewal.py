"""The platform renews every grant daily and takes a numbered report; failures are seen."""

import json
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import time_machine
from django.db.models import F
from django.test import Client
from django.utils import timezone

from apps.accounts.models import User
from apps.billing import services as billing
from apps.contract import registry
from apps.contract import services as contract
from apps.events import services as events
from apps.events.actors import SYSTEM
from apps.events.models import Event
from apps.instances.models import Instance
from apps.instances.sealed import opened
from apps.subscribers import services as subscribers
from apps.tenancy.kinds import current_schema, operator, schema_of
from apps.tenants import grants
from apps.tenants.grants import ContractError
from apps.tenants.models import Grant, Organisation, UsageReport
from apps.work import services as work
from apps.work.models import Due, Mark
from dotmac.crypto.contracts import UsageReport as Report
from dotmac.crypto.contracts import sign_usage_report
from dotmac.crypto.keys import SigningKey
from dotmac.crypto.local_ca import ensure_local_ca
from tests.contract.stack import FarStack

RunDue = Callable[[], list[str]]
Answer = Callable[[int, object], FarStack]
MINUTE = timedelta(minutes=1)


@pytest.fixture
def meters(monkeypatch: pytest.MonkeyPatch) -> dict[str, int]:
    """What the workspace counts; a test changes it."""
    counts = {"active_subscribers": 7}
    readers = {name: lambda name=name: counts[name] for name in counts}
    monkeypatch.setattr(registry, "_meters", readers)
    return counts


@pytest.fixture
def renewal(customer: Organisation, meters: dict[str, int]) -> Due:
    """The daily renewal of Acme's grant, due now."""
    with operator():
        work.ensure(grants.KIND, str(customer.uuid), title="Renew")
    return Due.objects.get(kind=grants.KIND)


def show_events(schema: str) -> None:
    """Let reactions see what happened; a sealer seals only what other connections can see."""
    with schema_of(schema):
        Event.objects.filter(seal_no=None).update(seal_no=F("id"))
        events.dispatch()


def held(customer: Organisation) -> int:
    assert customer.workspace is not None
    with schema_of(customer.workspace.schema_name):
        return contract.held_grant().serial


def hours_until(due: Due) -> float:
    due.refresh_from_db()
    return (due.due_at - timezone.now()) / timedelta(hours=1)


def test_a_shared_workspace_gets_its_grant_and_reports(
    customer: Organisation, renewal: Due, run_due: RunDue
) -> None:
    run_due()
    report = UsageReport.objects.get(organisation=customer)
    assert (report.number, report.meters) == (1, {"active_subscribers": "7"})
    assert held(customer) == 1
    grant = Grant.objects.get(organisation=customer)
    assert (grant.serial, grant.last_error) == (1, "")
    assert grant.pushed_at is not None


def test_it_comes_again_tomorrow(
    customer: Organisation, renewal: Due, run_due: RunDue, meters: dict[str, int]
) -> None:
    run_due()
    renewal.refresh_from_db()
    assert (renewal.state, renewal.reason) == ("waiting", "Renewed daily.")
    assert 23.9 < hours_until(renewal) <= 24
    meters["active_subscribers"] = 8
    Due.objects.update(due_at=timezone.now() - MINUTE)
    run_due()
    assert list(UsageReport.objects.order_by("number").values_list("number", "meters")) == [
        (1, {"active_subscribers": "7"}),
        (2, {"active_subscribers": "8"}),
    ]
    assert held(customer) == 2


def test_the_report_counts_active_subscribers(customer: Organisation, run_due: RunDue) -> None:
    """By the published definition: those with at least one active service."""
    with schema_of(customer.workspace.schema_name):  # type: ignore[union-attr]
        plan = billing.create_plan(key="fiber", name="Fiber", actor=SYSTEM)
        fiber = billing.publish_version(plan, billing.Terms("SEK", 39900), actor=SYSTEM)
        for name in ("Dora", "Emil", "Fatima"):
            person = subscribers.create_subscriber(name=name, actor=SYSTEM)
            service = subscribers.add_service(
                person, plan_version=fiber, username=name.lower(), actor=SYSTEM
            )
            subscribers.schedule_installation(service, actor=SYSTEM)
            if name != "Fatima":
                subscribers.activate_service(service, actor=SYSTEM)
    grants.renew(customer)
    assert UsageReport.objects.get().meters["active_subscribers"] == "2"


def test_a_suspended_isp_may_only_look(
    customer: Organisation, renewal: Due, run_due: RunDue
) -> None:
    Organisation.objects.update(status=Organisation.Status.SUSPENDED)
    run_due()
    with schema_of(customer.workspace.schema_name):  # type: ignore[union-attr]
        assert contract.is_read_only()


def test_fourteen_days_without_the_platform_close_it_and_the_next_renewal_opens_it(
    customer: Organisation, renewal: Due, run_due: RunDue
) -> None:
    run_due()
    with time_machine.travel(timezone.now() + timedelta(days=14, minutes=1)):
        with schema_of(customer.workspace.schema_name):  # type: ignore[union-attr]
            assert contract.is_read_only()
        grants.renew(customer)
        with schema_of(customer.workspace.schema_name):  # type: ignore[union-attr]
            assert not contract.is_read_only()


def broken(organisation: Organisation) -> None:
    raise ContractError("acme.apps.localhost could not be reached through the edge: timeout")


def crashing(organisation: Organisation) -> None:
    raise KeyError("INSTANCE_SIGNING_KEY")


@pytest.mark.parametrize(
    ("failure", "reason"),
    [(broken, "could not be reached"), (crashing, "DotMac failed here. The log says why under")],
)
def test_a_renewal_that_fails_is_seen_and_tried_again_soon(
    renewal: Due,
    run_due: RunDue,
    monkeypatch: pytest.MonkeyPatch,
    failure: Callable[[Organisation], None],
    reason: str,
) -> None:
    grants.renew(Organisation.objects.get())
    with monkeypatch.context() as patched:
        patched.setattr(grants, "renew", failure)
        for _turn in range(12):
            Due.objects.update(due_at=timezone.now() - MINUTE)
            run_due()
    renewal.refresh_from_db()
    assert renewal.state == "waiting"
    assert reason in renewal.reason
    assert 0.2 < hours_until(renewal) <= 0.25
    assert reason in Grant.objects.get().last_error
    Due.objects.update(due_at=timezone.now() - MINUTE)
    run_due()
    assert Grant.objects.get().last_error == ""


def test_the_operator_sees_a_renewal_on_the_list_of_work(
    customer: Organisation, renewal: Due, run_due: RunDue
) -> None:
    with operator():
        root = User.objects.create_superuser("root@dotmac.example")
        client = Client(headers={"host": "dotmac.localhost"})
        client.force_login(root)
    before = client.get(f"/admin/work/due/{renewal.pk}/change/")
    assert before.status_code == 200
    run_due()
    Grant.objects.update(last_error="It answered 502.")
    page = client.get(f"/admin/work/due/{renewal.pk}/change/").content.decode()
    assert "Renewed daily. Grant 1, last brought: " in page
    assert "It answered 502." in page


def as_report(customer: Organisation, number: int, key: SigningKey) -> str:
    assert customer.workspace is not None
    day = f"{timezone.now():%Y-%m-%d}"
    report = Report(
        number=number,
        tenant=customer.workspace.uuid,
        period=day,
        meters={"active_subscribers": "1"},
    )
    return sign_usage_report(report, key, audience="dotmac.localhost")


class TestADedicatedWorkspace:
    """It is reached over HTTPS through the edge; what it answers is given by the test."""

    @pytest.fixture
    def far(self, sign_up: Callable[..., Organisation], run_due: RunDue) -> Organisation:
        """North, whose workspace runs in containers of its own."""
        organisation = sign_up("north")
        run_due()
        return organisation

    @pytest.fixture
    def key(self, far: Organisation) -> SigningKey:
        """The key that its stack was given."""
        with schema_of("c_north"):
            pem = opened(Instance.objects.get())["INSTANCE_SIGNING_KEY"]
        return SigningKey.from_pem(pem.replace("\\n", "\n"))

    @pytest.fixture
    def answer(self, settings: Any, tmp_path: Path) -> Iterator[Answer]:
        """`answer(200, {...})` is what the workspace says from now on."""
        stack = FarStack(tmp_path, "north.apps.localhost")
        settings.EDGE_CA_FILE, settings.EDGE_HTTPS_PORT = str(stack.ca), stack.port

        def set_to(status: int, body: object) -> FarStack:
            stack.status, stack.body = status, json.dumps(body).encode()
            return stack

        yield set_to
        stack.close()

    def test_its_report_is_kept(self, far: Organisation, key: SigningKey, answer: Answer) -> None:
        stack = answer(200, {"report": as_report(far, 1, key)})
        grants.renew(far)
        assert stack.asked == [("north.apps.localhost", "/_dotmac/grant/")]
        assert [row.number for row in far.reports.all()] == [1]

    def test_a_forged_report_is_refused(
        self, far: Organisation, key: SigningKey, answer: Answer
    ) -> None:
        answer(200, {"report": as_report(far, 1, SigningKey.generate())})
        with pytest.raises(ContractError, match="is not signed as it should be"):
            grants.renew(far)
        assert not far.reports.exists()

    def test_a_report_of_another_isp_is_refused(
        self,
        far: Organisation,
        customer: Organisation,
        key: SigningKey,
        answer: Answer,
    ) -> None:
        answer(200, {"report": as_report(customer, 1, key)})
        with pytest.raises(ContractError, match="is not signed as it should be"):
            grants.renew(far)

    def test_a_report_sent_again_is_refused(
        self, far: Organisation, key: SigningKey, answer: Answer
    ) -> None:
        first = as_report(far, 1, key)
        for number in (1, 2):
            answer(200, {"report": as_report(far, number, key)})
            grants.renew(far)
        answer(200, {"report": first})
        with pytest.raises(ContractError, match="Usage report 1 of North is not newer than 2"):
            grants.renew(far)
        assert [row.number for row in far.reports.all()] == [2, 1]

    def test_a_stranger_with_another_certificate_is_not_asked(
        self, far: Organisation, answer: Answer, settings: Any, tmp_path: Path
    ) -> None:
        stack = answer(200, {})
        settings.EDGE_CA_FILE = str(ensure_local_ca(tmp_path / "other").certificate)
        with pytest.raises(ContractError, match="certificate verify failed"):
            grants.renew(far)
        assert stack.asked == []

    @pytest.mark.parametrize("body", [{}, {"report": ""}, {"report": 7}, [], "ok", None])
    def test_a_senseless_answer_is_refused(
        self, far: Organisation, answer: Answer, body: object
    ) -> None:
        answer(200, body)
        with pytest.raises(ContractError):
            grants.renew(far)

    def test_a_refused_grant_says_why(self, far: Organisation, answer: Answer) -> None:
        answer(403, {"detail": "Grant 1 is older than grant 2, which is held."})
        with pytest.raises(ContractError, match="north.apps.localhost did not take its grant: Gr"):
            grants.renew(far)

    def test_it_gets_its_grant_as_soon_as_it_runs_and_when_it_runs_again(
        self, far: Organisation, run_due: RunDue
    ) -> None:
        show_events("c_north")
        renewal = Due.objects.get(kind=grants.KIND, subject=str(far.uuid))
        later = timezone.now() + timedelta(hours=20)
        Due.objects.filter(pk=renewal.pk).update(due_at=later, state="waiting")
        with schema_of("c_north"):
            events.record("instance.started", actor=SYSTEM, subject=Instance.objects.get())
        show_events("c_north")
        assert hours_until(renewal) <= 0


def test_a_starter_isp_gets_its_first_grant_at_sign_up(
    sign_up: Callable[..., Organisation], run_due: RunDue
) -> None:
    tiny = sign_up("tiny", plan="starter")
    show_events("c_tiny")
    run_due()
    assert held(tiny) == 1
    assert tiny.reports.count() == 1


def test_the_stack_that_cannot_be_reached_is_named(
    sign_up: Callable[..., Organisation], settings: Any
) -> None:
    settings.EDGE_HTTPS_PORT = 1
    with pytest.raises(ContractError, match="north.apps.localhost could not be reached through"):
        grants.renew(sign_up("north"))


def test_a_workspace_whose_log_was_cut_back_is_told_of(customer: Organisation) -> None:
    for number in (9, 7):
        with schema_of(customer.workspace.schema_name):  # type: ignore[union-attr]
            facts = {"number": number, "chain": "0" * 64, "signature": "0" * 64}
            Mark.objects.update_or_create(schema=current_schema(), defaults=facts)
        grants.renew(customer)
    with operator():
        told = Event.objects.get(type="log.cut_back")
        assert told.data == {"before": 9, "after": 7}
        assert "was cut back" in Due.objects.get(kind="log").title
