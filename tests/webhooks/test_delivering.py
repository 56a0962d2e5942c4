"""What happens reaches a program, signed, after the commit, whatever its server does."""

import json
import time
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db.models import F
from django.utils import timezone

from apps.accounts.models import User
from apps.events.actors import SYSTEM
from apps.events.envelopes import envelope
from apps.events.models import Event
from apps.notifications.models import Delivery as NoticeDelivery
from apps.notifications.models import Notification
from apps.tenancy.kinds import schema_of
from apps.webhooks import services
from apps.webhooks.exceptions import EndpointAddressError, EndpointOffError
from apps.webhooks.models import Attempt, Delivery, Endpoint
from apps.webhooks.outcomes import BACKOFF_S, FAILING, PATIENCE, RESTS_AFTER
from apps.work.models import Due
from dotmac.crypto.secret import Secret
from dotmac.webhooks import SignatureError, verify
from tests.dotmac.webhooks.receiver import Receiver, closed_port, receiving
from tests.events.test_log import pump_all
from tests.live import in_vain
from tests.webhooks.conftest import TOWER, happen, work_once

Work = Callable[[], Due]


def only() -> Delivery:
    return Delivery.objects.get()


def make_due() -> None:
    """Time passes: what is tried again later is due now."""
    Delivery.objects.filter(state="pending").update(due_at=timezone.now())
    Endpoint.objects.update(rests_until=None)
    Due.objects.update(due_at=timezone.now())


def test_an_event_arrives_signed_in_its_envelope(
    secret: Secret, receiver: Receiver, due: Work
) -> None:
    event = happen(height=42)
    assert work_once() == ["ran"]
    ((_path, head, body),) = receiver.got
    verify(head, body, secret)
    assert head["webhook-id"] == str(event.uuid)
    event.refresh_from_db()
    assert json.loads(body) == envelope(event)
    assert (only().state, only().attempts) == ("delivered", 1)
    attempt = Attempt.objects.get()
    assert (attempt.status, attempt.answer) == (200, "thank you")
    assert attempt.duration_ms < 2000
    assert due().state == "done"


def test_only_what_was_asked_for_is_sent(secret: Secret, receiver: Receiver) -> None:
    for type in ("mast.built", "master.built", "tower.built", "mast.gone"):
        happen(type)
    work_once()
    assert sorted(json.loads(body)["type"] for _p, _h, body in receiver.got) == [
        "mast.built",
        "mast.gone",
    ]


def test_nothing_is_sent_of_what_is_rolled_back(secret: Secret, receiver: Receiver) -> None:
    in_vain(lambda: services.events.record("mast.built", actor=SYSTEM, subject=TOWER))
    happen("mast.gone")
    work_once()
    assert len(receiver.got) == 1


def test_another_schema_s_events_are_not_sent(secret: Secret, receiver: Receiver) -> None:
    with schema_of("c_initech"):
        happen()
    assert not Delivery.objects.exists()


def test_an_error_is_tried_again_later_with_the_same_id(
    secret: Secret, receiver: Receiver, due: Work
) -> None:
    receiver.ways = ["500"]
    happen()
    work_once()
    assert (only().state, only().attempts) == ("pending", 1)
    wait = only().due_at - timezone.now()
    assert timedelta(0) < wait <= timedelta(seconds=BACKOFF_S[0])
    assert due().state == "waiting"
    make_due()
    work_once()
    assert only().state == "delivered"
    assert len({head["webhook-id"] for _p, head, _b in receiver.got}) == 1
    assert [one.status for one in Attempt.objects.all()] == [500, 200]
    assert Endpoint.objects.get().failures == 0


def test_a_closed_port_a_redirect_inside_and_a_hanging_one_are_told(
    secret: Secret, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("apps.webhooks.runner.TIMEOUT_S", 0.5)
    with receiving() as inside:
        receiver.ways = [f"redirect {inside.url}", "hang"]
        happen()
        for _turn in range(2):
            work_once()
            make_due()
        assert inside.got == []
    Endpoint.objects.update(url=f"http://127.0.0.1:{closed_port()}/")
    work_once()
    assert [one.error for one in Attempt.objects.all()] == [
        "It answered 302; redirects are not followed.",
        "It did not answer in time.",
        "Nothing listens there.",
    ]
    assert only().attempts == 3


def test_after_a_day_of_tries_a_delivery_has_failed(secret: Secret, receiver: Receiver) -> None:
    assert sum(BACKOFF_S) > 24 * 3600
    receiver.always = "500"
    happen()
    for _turn in range(len(BACKOFF_S) + 1):
        work_once()
        make_due()
    assert (only().state, only().attempts) == ("failed", len(BACKOFF_S) + 1)
    assert work_once() == []
    assert len(receiver.got) == len(BACKOFF_S) + 1


def test_a_short_outage_of_many_deliveries_rests_nobody(
    secret: Secret, receiver: Receiver, due: Work
) -> None:
    receiver.always = "500"
    for number in range(FAILING + 3):
        happen(number=number)
    for turn in range(1, FAILING + 1):
        work_once()
        endpoint = Endpoint.objects.get()
        assert (endpoint.failures, endpoint.rests_until) == (turn, None)
        make_due()
    receiver.always = ""
    work_once()
    assert not Delivery.objects.exclude(state="delivered").exists()
    assert Endpoint.objects.get().failures == 0


def test_one_that_is_away_for_long_rests_and_is_asked_with_one_delivery_at_a_time(
    secret: Secret, receiver: Receiver, due: Work
) -> None:
    receiver.always = "500"
    for number in range(3):
        happen(number=number)
    work_once()
    Endpoint.objects.update(failing_since=F("failing_since") - RESTS_AFTER, failures=FAILING)
    make_due()
    receiver.got.clear()
    work_once()
    assert len(receiver.got) == 1
    rest = Endpoint.objects.get().rests_until - timezone.now()
    assert timedelta(seconds=60) < rest < timedelta(seconds=120)
    assert due().due_at > timezone.now() + timedelta(seconds=60)
    # What happens while it rests calls nobody, and is sent with the rest when it works again.
    happen("mast.gone")
    assert due().state == "waiting"
    receiver.always = ""
    receiver.got.clear()
    make_due()
    work_once()
    assert len(receiver.got) == 4
    assert not Delivery.objects.exclude(state="delivered").exists()


def test_what_happens_while_one_rests_that_has_nothing_to_send_waits_for_nobody_else(
    secret: Secret, receiver: Receiver, due: Work
) -> None:
    """Its last delivery failed for good; the next event comes before its rest is over."""
    receiver.always = "500"
    happen()
    work_once()
    Endpoint.objects.update(failing_since=F("failing_since") - RESTS_AFTER, failures=FAILING)
    Delivery.objects.update(attempts=len(BACKOFF_S))
    make_due()
    work_once()
    assert only().state == "failed"
    rests_until = Endpoint.objects.get().rests_until
    assert due().state == "waiting"
    assert abs(due().due_at - rests_until) < timedelta(seconds=2)
    happen("mast.gone")
    receiver.always = ""
    receiver.got.clear()
    # The rest is over, and nothing else happens.
    Endpoint.objects.update(rests_until=timezone.now())
    Due.objects.update(due_at=timezone.now())
    work_once()
    assert [json.loads(body)["type"] for _path, _head, body in receiver.got] == ["mast.gone"]
    assert due().state == "done"


def test_a_long_replay_is_queued_some_at_a_time(
    secret: Secret, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(services, "REPLAYED_AT_ONCE", 2)
    for number in range(5):
        happen(number=number)
    work_once()
    receiver.got.clear()
    endpoint = Endpoint.objects.get()
    assert services.replay_since(endpoint, timezone.now() - timedelta(days=1), actor=SYSTEM) == 5
    assert Delivery.objects.filter(state="pending").count() == 0
    services.replay_some(endpoint)
    assert Delivery.objects.filter(state="pending").count() == 2
    work_once()
    # The event of the replay itself came after it.
    assert len(receiver.got) == 5
    assert Endpoint.objects.get().replay_until is None


def test_one_that_fails_for_a_day_is_switched_off_and_its_owners_told(
    secret: Secret, receiver: Receiver
) -> None:
    User.objects.filter(email="alice@acme.example").delete()
    alice = User.objects.create_superuser("alice@acme.example")
    receiver.always = "500"
    happen()
    work_once()
    Endpoint.objects.update(failing_since=F("failing_since") - PATIENCE, failures=FAILING)
    make_due()
    work_once()
    endpoint = Endpoint.objects.get()
    assert endpoint.status == "disabled"
    assert only().state == "failed"
    assert Event.objects.get(type="webhook.disabled").data["undelivered"] == 1
    pump_all()
    told = Notification.objects.get(kind="webhook.disabled")
    assert told.user == alice
    assert "http://127.0.0.1" in told.heading
    assert "Deliveries that were not made: 1." in told.body
    # By the one way of mails, which counts them.
    assert NoticeDelivery.objects.get(notification=told).address == alice.email
    happen("mast.gone")
    assert Delivery.objects.count() == 1
    with pytest.raises(EndpointOffError, match="Resume it first"):
        services.send_test(endpoint, actor=SYSTEM)
    # It works again: resumed, what it missed is replayed.
    receiver.always = ""
    services.resume_endpoint(endpoint, actor=SYSTEM)
    assert services.replay_since(endpoint, timezone.now() - timedelta(days=1), actor=SYSTEM) == 2
    work_once()
    assert Delivery.objects.filter(state="delivered").count() == 2
    alice.delete()


def test_an_event_that_is_gone_counts_for_no_failure(secret: Secret, receiver: Receiver) -> None:
    event = happen()
    Event.objects.filter(pk=event.pk).delete()
    work_once()
    assert only().state == "failed"
    assert Endpoint.objects.get().failing_since is None


def test_the_rest_of_an_address_is_nobody_s_business(secret: Secret, receiver: Receiver) -> None:
    endpoint = Endpoint.objects.get()
    services.update_endpoint(endpoint, actor=SYSTEM, url="https://hooks.example/T00/password")
    services.pause_endpoint(endpoint, actor=SYSTEM)
    said = str(list(Event.objects.values()))
    assert "https://hooks.example" in said
    assert "password" not in said


def test_one_that_hangs_does_not_hold_a_worker_longer_than_its_turn(
    secret: Secret, receiver: Receiver, due: Work, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("apps.webhooks.runner.TIMEOUT_S", 0.4)
    monkeypatch.setattr("apps.webhooks.runner._TURN_S", 0.2)
    receiver.always = "hang"
    for number in range(20):
        happen(number=number)
    began = time.monotonic()
    work_once()
    assert time.monotonic() - began < 3
    assert len(receiver.got) <= 16
    assert Delivery.objects.filter(attempts=0, state="pending").count() >= 4
    assert due().state == "waiting"


def test_one_that_says_it_is_gone_is_switched_off_at_once(
    secret: Secret, receiver: Receiver
) -> None:
    receiver.always = "410"
    happen()
    work_once()
    assert Endpoint.objects.get().status == "disabled"


def test_during_a_rotation_both_secrets_fit_and_later_only_the_new_one(
    secret: Secret, receiver: Receiver
) -> None:
    endpoint = Endpoint.objects.get()
    new = services.rotate_secret(endpoint, actor=SYSTEM)
    assert new.reveal() not in str(Endpoint.objects.values())
    happen()
    work_once()
    _path, head, body = receiver.got[0]
    verify(head, body, secret)
    verify(head, body, new)
    Endpoint.objects.update(old_secret_until=timezone.now())
    happen("mast.gone")
    work_once()
    _path, head, body = receiver.got[1]
    verify(head, body, new)
    with pytest.raises(SignatureError):
        verify(head, body, secret)


def test_one_delivery_is_replayed_with_its_id(secret: Secret, receiver: Receiver) -> None:
    happen()
    work_once()
    services.replay(only(), actor=SYSTEM)
    work_once()
    assert len({head["webhook-id"] for _p, head, _b in receiver.got}) == 1
    assert len(receiver.got) == 2
    assert Attempt.objects.count() == 2


def test_a_test_event_arrives_as_a_real_one(secret: Secret, receiver: Receiver) -> None:
    services.send_test(Endpoint.objects.get(), actor=SYSTEM)
    work_once()
    _path, head, body = receiver.got[0]
    verify(head, body, secret)
    assert json.loads(body)["type"] == "webhook.test"
    assert set(json.loads(body)) == set(envelope(happen()))


def test_a_paused_endpoint_is_left_alone(secret: Secret, receiver: Receiver, due: Work) -> None:
    happen()
    endpoint = Endpoint.objects.get()
    services.pause_endpoint(endpoint, actor=SYSTEM)
    work_once()
    assert receiver.got == []
    assert due().state == "done"
    services.resume_endpoint(endpoint, actor=SYSTEM)
    work_once()
    assert len(receiver.got) == 1


def test_one_that_was_removed_ends_quietly(secret: Secret, receiver: Receiver, due: Work) -> None:
    happen()
    services.remove_endpoint(Endpoint.objects.get(), actor=SYSTEM)
    work_once()
    assert (receiver.got, due().state) == ([], "done")


def test_in_production_nothing_inside_is_reached(
    secret: Secret, receiver: Receiver, settings: object
) -> None:
    settings.DEVELOPMENT = False  # type: ignore[attr-defined]
    for url in (receiver.url, "https://10.0.0.1/", "https://[::1]/", "ftp://x.example/", "x"):
        with pytest.raises(EndpointAddressError):
            services.create_endpoint(url=url, actor=SYSTEM)
    # A name leads inside only when it is looked up, which is when it is sent to.
    happen()
    Endpoint.objects.update(url="https://localhost/")
    work_once()
    assert Attempt.objects.get().error == "localhost is not a public address."
    assert receiver.got == []
    settings.WEBHOOK_NETWORKS = ["127.0.0.0/8"]  # type: ignore[attr-defined]
    services.create_endpoint(url=receiver.url, actor=SYSTEM)
