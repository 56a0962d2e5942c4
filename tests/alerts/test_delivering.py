"""Alerts on their way: to a real server that refuses, hangs, fails and comes back."""

import json
from email.header import decode_header, make_header

import pytest

from apps.alerts import runner
from apps.alerts.channels import create_channel, secret_of, update_channel
from apps.alerts.constants import PAUSES_S
from apps.alerts.models import Alert, AlertChannel, AlertDelivery
from apps.events.actors import SYSTEM
from apps.fleet.models import Server
from apps.notifications.models import Notification
from apps.work import services as work
from apps.work.models import Due
from dotmac.crypto.secret import Secret
from dotmac.webhooks import Answer, verify
from tests.alerts.conftest import (
    Work,
    channel_to,
    comes_back,
    goes_down,
    hurry,
    later,
    said,
)
from tests.dotmac.webhooks.receiver import Receiver, closed_port

DOWN = ("alert.raised", "DotMac: Server fra-1 does not answer")
BACK = ("alert.resolved", "DotMac: Server fra-1 answers again")


def delivery() -> AlertDelivery:
    return AlertDelivery.objects.get()


def test_a_server_that_is_away_is_told_signed_and_its_return_too(
    channel: AlertChannel, pager: Receiver, server: Server, run_due: Work
) -> None:
    goes_down(server)
    run_due()
    assert said(pager) == [DOWN]
    _path, head, body = pager.got[0]
    secret = secret_of(channel)
    assert secret
    verify(head, body, secret)
    data = json.loads(body)["data"]
    assert (data["kind"], data["severity"]) == ("server.unreachable", "critical")
    assert "No answer on port 2376." in data["body"]
    assert f"/admin/fleet/server/{server.pk}/" in data["url"]
    comes_back(server)
    run_due()
    assert said(pager) == [DOWN, BACK]
    assert AlertDelivery.objects.filter(status="sent", answer="thank you").count() == 2
    # By the other ways as well.
    assert Notification.objects.filter(kind="server.unreachable").count() == 1


def test_slack_gets_its_json_in_which_nobody_is_called(
    olga: object, pager: Receiver, server: Server, run_due: Work
) -> None:
    channel_to(pager, "slack")
    Server.objects.filter(pk=server.pk).update(name="<!channel> & co")
    server.refresh_from_db()
    goes_down(server)
    run_due()
    text = json.loads(pager.got[0][2])["text"]
    assert text.startswith("[Critical] DotMac: Server &lt;!channel&gt; &amp; co does not answer\n")
    assert "/admin/fleet/server/" in text


def test_ntfy_gets_plain_text_with_title_priority_and_token(
    olga: object, pager: Receiver, server: Server, run_due: Work
) -> None:
    channel_to(pager, "ntfy", secret=Secret("tk_sesame"))
    Server.objects.filter(pk=server.pk).update(name="Évry\r\nX-Evil: 1")
    server.refresh_from_db()
    goes_down(server)
    run_due()
    _path, head, body = pager.got[0]
    title = str(make_header(decode_header(head["title"])))
    assert title.startswith("[Critical] DotMac: Server Évry")
    assert (head["priority"], head["authorization"]) == ("5", "Bearer tk_sesame")
    assert "x-evil" not in head
    assert body.decode().startswith("No answer on port 2376.")


@pytest.mark.parametrize("way", ["503", "nonsense", "redirect http://127.0.0.1:1/"])
def test_what_is_not_taken_is_tried_again_until_it_is(
    channel: AlertChannel, pager: Receiver, server: Server, run_due: Work, way: str
) -> None:
    pager.ways = [way, way]
    goes_down(server)
    run_due()
    assert (delivery().status, delivery().attempts) == ("queued", 1)
    channel.refresh_from_db()
    assert channel.failing_since
    assert channel.last_error
    for _turn in range(2):
        hurry()
        run_due()
    assert (delivery().status, delivery().attempts) == ("sent", 3)
    channel.refresh_from_db()
    assert (channel.failing_since, channel.failures, channel.last_error) == (None, 0, "")


def test_a_side_that_hangs_is_not_waited_for(
    channel: AlertChannel,
    pager: Receiver,
    server: Server,
    run_due: Work,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("apps.alerts.runner.TIMEOUT_S", 0.3)
    pager.ways = ["hang"]
    goes_down(server)
    run_due()
    assert delivery().error == "It did not answer in time."
    pager.released.set()
    hurry()
    run_due()
    assert delivery().status == "sent"


def test_one_that_is_away_for_good_is_given_up_and_raises_no_alert_of_its_own(
    olga: object, server: Server, run_due: Work
) -> None:
    address = Secret(f"http://127.0.0.1:{closed_port()}/")
    create_channel(name="Gone", kind="slack", address=address, actor=SYSTEM)
    goes_down(server)
    for _turn in range(len(PAUSES_S) + 1):
        run_due()
        hurry()
    assert (delivery().status, delivery().error) == ("failed", "Nothing listens there.")
    assert Due.objects.get(kind="alert").state == "failed"
    assert Alert.objects.count() == 1


def test_a_private_address_is_reached_only_where_the_installation_lists_its_network(
    channel: AlertChannel, pager: Receiver, server: Server, run_due: Work, settings: object
) -> None:
    settings.DEVELOPMENT = False  # type: ignore[attr-defined]
    goes_down(server)
    run_due()
    assert pager.got == []
    assert "https" in delivery().error
    settings.WEBHOOK_NETWORKS = ["127.0.0.0/8"]  # type: ignore[attr-defined]
    hurry()
    run_due()
    assert said(pager) == [DOWN]


def test_the_same_is_said_once_in_fifteen_minutes(
    channel: AlertChannel, pager: Receiver, server: Server, run_due: Work
) -> None:
    for _turn in range(3):
        goes_down(server)
        run_due()
    assert said(pager) == [DOWN]
    assert Alert.objects.get().repeats == 2
    later(minutes=16)
    goes_down(server)
    run_due()
    assert said(pager) == [DOWN, DOWN]


def test_what_comes_and_goes_is_said_at_the_end_of_the_window_if_it_is_still_so(
    channel: AlertChannel, pager: Receiver, server: Server, run_due: Work
) -> None:
    goes_down(server)
    run_due()
    comes_back(server)
    run_due()
    goes_down(server)
    run_due()
    assert said(pager) == [DOWN, BACK]
    newest = Due.objects.filter(kind="alert").latest("due_at")
    Due.objects.filter(pk=newest.pk).update(due_at=newest.created_at)
    run_due()
    assert said(pager) == [DOWN, BACK, DOWN]


def test_what_is_over_before_it_was_said_is_not_said(
    channel: AlertChannel, pager: Receiver, server: Server, run_due: Work
) -> None:
    pager.ways = ["500"]
    goes_down(server)
    run_due()
    comes_back(server)
    hurry()
    run_due()
    assert len(pager.got) == 1
    assert delivery().status == "dropped"


def test_a_return_without_an_alert_is_not_said(
    channel: AlertChannel, pager: Receiver, server: Server, run_due: Work
) -> None:
    comes_back(server)
    run_due()
    assert pager.got == []


def test_one_that_ends_while_it_is_being_sent_is_said_to_be_over(
    channel: AlertChannel,
    pager: Receiver,
    server: Server,
    run_due: Work,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    sent = runner._sent

    def meanwhile(delivery: AlertDelivery) -> Answer:
        came = sent(delivery)
        comes_back(server)
        return came

    monkeypatch.setattr(runner, "_sent", meanwhile)
    goes_down(server)
    run_due()
    assert said(pager) == [DOWN, BACK]


def test_a_channel_hears_what_matters_enough_and_only_while_it_is_on(
    olga: object, pager: Receiver, server: Server, run_due: Work
) -> None:
    quiet = channel_to(pager, severity="critical")
    work.note_failure("demo", "1", title="Renew", reason="It did not work.")
    run_due()
    assert pager.got == []
    goes_down(server)
    update_channel(quiet, actor=SYSTEM, is_on=False)
    run_due()
    assert pager.got == []
    assert delivery().status == "dropped"
