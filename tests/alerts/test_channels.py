"""Alert channels as owners set them up, in the admin and over the API; what is secret stays so."""

import logging
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from apps.accounts.models import User
from apps.alerts.channels import address_of, create_channel, secret_of, send_test, update_channel
from apps.alerts.constants import MOST_CHANNELS
from apps.alerts.messages import message_for
from apps.alerts.models import AlertChannel, AlertDelivery
from apps.core.exceptions import DomainError
from apps.events.actors import SYSTEM
from apps.events.models import Event
from dotmac.crypto.secret import Secret
from tests.alerts.conftest import Work, channel_to
from tests.api.conftest import Program, key_in
from tests.dotmac.webhooks.receiver import Receiver, closed_port
from tests.notifications.conftest import browser_of

PAGE = "/admin/alerts/alertchannel/"
HOOK = "https://hooks.slack.example/services/T0/B0/sesame-open"
TOKEN = "tk_do-not-tell"


def entered(**changes: Any) -> dict[str, Any]:
    said = {
        "name": "Night shift",
        "kind": "slack",
        "new_address": HOOK,
        "new_secret": "",
        "severity": "warning",
        "is_on": "on",
    }
    return {**said, **changes}


@pytest.fixture
def program(olga: User) -> Program:
    """A program with the key of an owner of the operator."""
    key = key_in("public", "oscar@dotmac.example", is_superuser=True)
    return Program("dotmac.localhost", key)


@pytest.fixture
def logged(
    caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> Callable[[], str]:
    """All that was written to logs and to the terminal."""
    caplog.set_level(logging.DEBUG)

    def found() -> str:
        caught = capfd.readouterr()
        return caplog.text + caught.out + caught.err

    return found


def test_an_owner_adds_a_channel_and_the_first_step_ticks_itself(hers: Client) -> None:
    assert "Add an alert channel" in hers.get("/admin/").content.decode()
    answer = hers.post(f"{PAGE}add/", entered())
    channel = AlertChannel.objects.get()
    assert answer["location"] == f"{PAGE}{channel.pk}/change/"
    assert (channel.name, channel.place) == ("Night shift", "https://hooks.slack.example")
    assert address_of(channel).reveal() == HOOK
    home = hers.get("/admin/").content.decode()
    assert f'href="{PAGE}add/"' not in home


def test_a_webhook_shows_the_secret_that_is_made_for_it_once(hers: Client) -> None:
    address = "https://pager.example/dotmac"
    page = hers.post(f"{PAGE}add/", entered(kind="webhook", new_address=address)).content.decode()
    channel = AlertChannel.objects.get()
    secret = secret_of(channel)
    assert secret
    assert secret.reveal() in page
    assert secret.reveal() not in hers.get(f"{PAGE}{channel.pk}/change/").content.decode()


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"new_address": "ftp://pager.example/"}, "public https addresses"),
        ({"new_address": "nonsense"}, "public https addresses"),
        ({"new_address": ""}, "This field is required"),
        ({"new_secret": "x"}, "the address is the secret"),
        ({"kind": "webhook", "new_secret": "whsec_short"}, "24 bytes in base64"),
        ({"kind": "ntfy", "new_secret": "two words"}, "letters, digits and signs"),
    ],
)
def test_what_cannot_work_is_refused_at_its_field(
    hers: Client, changes: dict[str, str], text: str
) -> None:
    page = hers.post(f"{PAGE}add/", entered(**changes)).content.decode()
    assert text in page
    assert not AlertChannel.objects.exists()


def test_a_secret_is_not_repeated_beside_an_error(hers: Client) -> None:
    page = hers.post(f"{PAGE}add/", entered(kind="ntfy", name="", new_secret=TOKEN))
    assert "This field is required" in page.content.decode()
    assert TOKEN not in page.content.decode()


def test_plain_http_and_our_own_network_are_refused_in_production(
    hers: Client, settings: Any
) -> None:
    settings.DEVELOPMENT = False
    for address in ("http://pager.example/", "https://10.0.0.7/", "https://127.0.0.1:8003/"):
        page = hers.post(f"{PAGE}add/", entered(new_address=address)).content.decode()
        assert "WEBHOOK_NETWORKS" in page
    settings.WEBHOOK_NETWORKS = ["10.0.0.0/8"]
    hers.post(f"{PAGE}add/", entered(new_address="https://10.0.0.7/"))
    assert AlertChannel.objects.get().place == "https://10.0.0.7"


def test_an_empty_address_leaves_the_present_one(hers: Client) -> None:
    hers.post(f"{PAGE}add/", entered())
    channel = AlertChannel.objects.get()
    hers.post(f"{PAGE}{channel.pk}/change/", entered(name="Day shift", new_address=""))
    channel.refresh_from_db()
    assert (channel.name, address_of(channel).reveal()) == ("Day shift", HOOK)


def test_another_host_is_not_told_the_token_of_this_one(olga: User, pager: Receiver) -> None:
    channel = channel_to(pager, "ntfy", secret=Secret(TOKEN))
    update_channel(channel, actor=SYSTEM, address=Secret("https://other.example/topic"))
    assert secret_of(channel) is None


def test_a_test_says_what_the_other_side_answered(
    hers: Client, pager: Receiver, run_due: Work
) -> None:
    channel = channel_to(pager, is_on=False)
    page = f"{PAGE}{channel.pk}/change/"
    hers.post(f"{PAGE}{channel.pk}/test/")
    assert "The test is on its way." in hers.get(page).content.decode()
    run_due()
    assert "This is a test" in pager.got[0][2].decode()
    shown = hers.get(page).content.decode()
    assert "The other side took the test" in shown
    assert "200 thank you" in shown
    pager.ways = ["404"]
    hers.post(f"{PAGE}{channel.pk}/test/")
    run_due()
    shown = hers.get(page).content.decode()
    assert "The other side did not take the test" in shown
    assert "It answered 404. thank you" in shown
    assert len(pager.got) == 2


def test_a_test_of_nothing_says_so(hers: Client, olga: User, run_due: Work) -> None:
    address = Secret(f"http://127.0.0.1:{closed_port()}/")
    channel, _made = create_channel(name="Gone", kind="slack", address=address, actor=SYSTEM)
    hers.post(f"{PAGE}{channel.pk}/test/")
    run_due()
    assert "Nothing listens there." in hers.get(f"{PAGE}{channel.pk}/change/").content.decode()


def test_there_are_only_so_many_channels(olga: User) -> None:
    for number in range(MOST_CHANNELS):
        create_channel(name=f"{number}", kind="slack", address=Secret(HOOK), actor=SYSTEM)
    with pytest.raises(DomainError, match="Remove one first"):
        create_channel(name="More", kind="slack", address=Secret(HOOK), actor=SYSTEM)


def test_what_is_secret_is_in_no_page_log_event_or_answer(
    hers: Client,
    program: Program,
    pager: Receiver,
    run_due: Work,
    logged: Callable[[], str],
) -> None:
    address = pager.url.replace("/hook?x=1", "/services/sesame-open")
    body = {"name": "Topic", "kind": "ntfy", "address": address, "secret": TOKEN}
    made = program.post("alert-channels/", body)
    assert made.status_code == 201, made.content
    # It says again what it was sent.
    pager.answer = lambda handler, way: _echo(handler, f"who is {TOKEN} at {address}")  # type: ignore[method-assign]
    channel = AlertChannel.objects.get()
    send_test(channel)
    run_due()
    delivery = AlertDelivery.objects.get()
    assert delivery.answer == "who is … at …"
    message = message_for(AlertDelivery.objects.select_related("channel").get())
    places = [
        hers.get(f"{PAGE}{channel.pk}/change/").content.decode(),
        hers.get(PAGE).content.decode(),
        hers.get("/admin/alerts/alertdelivery/").content.decode(),
        hers.get(f"/admin/alerts/alertdelivery/{delivery.pk}/change/").content.decode(),
        made.content.decode(),
        program.get("alert-channels/").content.decode(),
        program.get("alert-deliveries/").content.decode(),
        logged(),
        str(list(Event.objects.values_list("data", "subject_label"))),
        str(list(AlertChannel.objects.values())),
        repr(channel),
        repr(delivery),
        repr(message).replace(message.url, ""),
        repr(address_of(channel)),
        repr(secret_of(channel)),
    ]
    for place in places:
        assert "sesame-open" not in place
        assert TOKEN not in place


def _echo(handler: Any, text: str) -> None:
    handler.send_response(200)
    handler.end_headers()
    handler.wfile.write(text.encode())


def test_a_program_adds_changes_tests_and_removes_one(
    program: Program, pager: Receiver, run_due: Work
) -> None:
    made = program.post(
        "alert-channels/",
        {"name": "Pager", "kind": "webhook", "address": pager.url, "external_id": "pd-1"},
    ).json()
    assert made["secret"].startswith("whsec_")
    assert (made["severity"], made["external_id"]) == ("warning", "pd-1")
    at = f"alert-channels/{made['id']}/"
    assert "secret" not in program.get(at).json()
    changed = program.patch(at, {"severity": "critical", "kind": "ntfy"}).json()
    assert (changed["severity"], changed["kind"]) == ("critical", "webhook")
    test = program.post(f"{at}test/")
    assert test.status_code == 202
    run_due()
    found = program.get(f"alert-deliveries/{test.json()['id']}/").json()
    assert (found["status"], found["answer_status"], found["kind"]) == ("sent", 200, "alert.test")
    assert program.post("alert-channels/", {**made, "address": pager.url}).status_code in (400, 409)
    assert program.send("DELETE", at).status_code == 204
    assert not AlertChannel.objects.exists()
    gone = program.get("deleted/", resource="alert-channels").json()["results"]
    assert [one["id"] for one in gone] == [made["id"]]


def test_a_channel_is_the_owners_business(olga: User, pager: Receiver) -> None:
    channel = channel_to(pager)
    nick = User.objects.create_user("nick@dotmac.example", is_staff=True)
    his = browser_of(nick, "dotmac.localhost", "public")
    for path in (PAGE, f"{PAGE}add/", f"{PAGE}{channel.pk}/change/"):
        assert his.get(path).status_code == 403
    assert his.post(f"{PAGE}{channel.pk}/test/").status_code == 403
    for role in ("admin", "technician"):
        key = key_in("public", f"{role}@dotmac.example", role=role)
        program = Program("dotmac.localhost", key)
        assert program.get("alert-channels/").status_code == 403
        assert program.post(f"alert-channels/{channel.uuid}/test/").status_code == 403
    assert not AlertDelivery.objects.exists()


def test_there_are_none_in_consoles_and_workspaces(acme: Any, db: None) -> None:
    for host, schema in ((acme.console_host, acme.console), (acme.workspace_host, acme.workspace)):
        program = Program(host, key_in(schema, "alice@acme.example", is_superuser=True))
        assert program.get("alert-channels/").status_code == 404
        assert program.get("/admin/alerts/alertchannel/").status_code in (302, 404)
