"""Text messages: a provider's HTTP API, asked by a worker, with a secret that nobody sees again."""

import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs

import pytest
from django.test import Client

from apps.accounts.models import User
from apps.events.models import Event
from apps.notifications import gateways, sms
from apps.notifications.exceptions import SendError
from apps.notifications.models import Delivery, Notification, Phone, Preference, SmsGateway
from apps.notifications.sms import HttpGateway, parsed_body
from apps.tenancy.kinds import schema_of
from apps.work.models import Due
from tests.accounts.browser import text_of
from tests.conftest import Isp
from tests.notifications.conftest import browser_of, person
from tests.pages.conftest import browser

PAGE, SETTINGS = "/admin/notifications/smsgateway/", "/notifications/settings/"
BODY = '{"messages": [{"to": "{to}", "text": "{text}"}], "from": "Acme"}'
SECRET = "Authorization: Bearer s3cr3t-t0ken"
ALL_ON = {f"test.happened:{way}": "on" for way in ("inbox", "sms")}


class Provider:
    """An SMS provider on this machine: what it was asked, and how it answers."""

    def __init__(self) -> None:
        self.asked: list[tuple[dict[str, str], str]] = []
        self.status = 202
        provider = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"])).decode()
                provider.asked.append((dict(self.headers), body))
                self.send_response(provider.status)
                self.send_header("Location", "/elsewhere")
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *args: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_port}/messages"


@pytest.fixture
def provider() -> Iterator[Provider]:
    found = Provider()
    yield found
    found.server.shutdown()
    found.server.server_close()


def save(client: Client, provider: Provider, **changes: Any) -> Any:
    said = {
        "url": provider.url,
        "method": "POST",
        "format": "json",
        "body": BODY,
        "headers": SECRET,
        "is_on": "on",
        "version": 0,
    }
    return client.post(PAGE, {**said, **changes})


@pytest.fixture
def connected(hers: Client, provider: Provider) -> Provider:
    """Acme's console sends text messages, and Alice wants them."""
    assert save(hers, provider).status_code == 302
    hers.post(SETTINGS, {**ALL_ON, "number": "+46 70-123 45 67"})
    return provider


def delivery(acme: Isp) -> Delivery:
    with schema_of(acme.console):
        return Delivery.objects.get(channel="sms")


def test_a_message_goes_to_the_number_of_who_wants_it(
    connected: Provider,
    tell: Callable[..., Notification],
    acme: Isp,
    run_due: Callable[[], list[str]],
) -> None:
    tell('Rain "{to}" {text}\n"}]')
    assert connected.asked == []
    run_due()
    ((headers, body),) = connected.asked
    assert headers["Authorization"] == "Bearer s3cr3t-t0ken"
    text = 'Acme Fiber: Rain "{to}" {text}\n"}] happened'
    expected = {"messages": [{"to": "+46701234567", "text": text}], "from": "Acme"}
    assert json.loads(body) == expected
    assert delivery(acme).status == "sent"


def test_a_form_is_filled_in_where_it_has_names(provider: Provider) -> None:
    gateway = HttpGateway(provider.url, "POST", "form", "to={to}\nbody=Hi {text}&x\nkey=1", {})
    gateway.send(to="+4670", text="a=b&key=2\nto=x")
    assert parse_qs(provider.asked[0][1]) == {
        "to": ["+4670"],
        "body": ["Hi a=b&key=2\nto=x&x"],
        "key": ["1"],
    }


@pytest.mark.parametrize(
    ("status", "permanent"), [(302, False), (400, True), (401, True), (429, False), (503, False)]
)
def test_an_answer_says_whether_trying_again_helps(
    provider: Provider, status: int, permanent: bool
) -> None:
    provider.status = status
    with pytest.raises(SendError, match=str(status)) as refused:
        HttpGateway(provider.url, "POST", "json", BODY, {}).send(to="+4670", text="Hi")
    assert refused.value.permanent is permanent
    assert len(provider.asked) == 1


@pytest.mark.parametrize(
    "url", ["http://provider.example/", "https://127.0.0.1/", "https://10.0.0.1/"]
)
def test_outside_of_development_only_public_hosts_are_asked(settings: Any, url: str) -> None:
    settings.DEVELOPMENT = False
    with pytest.raises(SendError, match="not reached"):
        HttpGateway(url, "POST", "json", BODY, {}).send(to="+4670", text="Hi")


def test_a_refusal_is_written_down_without_the_secret(
    connected: Provider,
    tell: Callable[..., Notification],
    acme: Isp,
    run_due: Callable[[], list[str]],
    capsys: pytest.CaptureFixture[str],
) -> None:
    connected.status = 401
    tell("Rain")
    run_due()
    failed = delivery(acme)
    assert (failed.status, failed.error) == ("failed", "The SMS gateway answered 401.")
    due = Due.objects.get(subject=str(failed.uuid))
    said = failed.error + due.reason + "".join(capsys.readouterr())
    assert "s3cr3t" not in said


def test_the_secret_is_encrypted_and_never_shown_again(
    connected: Provider, hers: Client, acme: Isp
) -> None:
    page = hers.get(PAGE)
    assert "s3cr3t" not in page.content.decode()
    assert "Headers are kept" in text_of(page)
    with schema_of(acme.console):
        row = SmsGateway.objects.get()
        assert "s3cr3t" not in row.headers
        assert "s3cr3t" not in str(list(Event.objects.values_list("data", flat=True)))
    assert "s3cr3t" not in repr(row)
    # An empty field leaves them.
    save(hers, connected, headers="", version=1)
    with schema_of(acme.console):
        assert SmsGateway.objects.get().headers == row.headers


WRONG = {
    "{text} is missing": ("body", '{"to": "{to}"}'),
    "cannot be sent": ("body", '{"to": "{to}", "text": "{text}"'),
    "Write each header on a line": ("headers", "s3cr3t without a name"),
    "Enter a valid URL": ("url", "no address"),
    "reached over https": ("url", "ftp://provider.example/"),
}


@pytest.mark.parametrize("why", WRONG)
def test_what_cannot_work_is_said_at_its_field(
    hers: Client, provider: Provider, acme: Isp, why: str
) -> None:
    field, value = WRONG[why]
    page = save(hers, provider, **{field: value})
    assert page.status_code == 200
    assert why in text_of(page)
    with schema_of(acme.console):
        assert not SmsGateway.objects.exists()


def test_who_saves_over_somebody_else_is_told(hers: Client, connected: Provider) -> None:
    assert "Somebody else has changed this meanwhile" in text_of(save(hers, connected))


@pytest.mark.parametrize("number", ["0701234567", "+0701", "+46 70 x", "+" + "1" * 16])
def test_a_number_without_its_country_is_refused(
    connected: Provider, hers: Client, acme: Isp, number: str
) -> None:
    page = hers.post(SETTINGS, {**ALL_ON, "number": number})
    assert "Write the number with its country" in text_of(page)
    hers.post(SETTINGS, {**ALL_ON, "number": ""})
    with schema_of(acme.console):
        assert not Phone.objects.exists()


def test_an_owner_tries_the_gateway_on_the_own_number(
    connected: Provider, hers: Client, run_due: Callable[[], list[str]]
) -> None:
    assert "on its way" in text_of(hers.post(f"{PAGE}test/", follow=True))
    run_due()
    assert "Text messages work" in connected.asked[0][1]
    hers.post(SETTINGS, {"number": ""})
    assert "Enter your own mobile number" in text_of(hers.post(f"{PAGE}test/", follow=True))


def test_where_there_is_no_gateway_nobody_is_asked_for_a_number(
    hers: Client, alice: User, tell: Callable[..., Notification], acme: Isp
) -> None:
    assert "Mobile number" not in text_of(hers.get(SETTINGS))
    hers.post(SETTINGS, {**ALL_ON, "number": "+46701234567"})
    with schema_of(acme.console):
        assert not Phone.objects.exists()
    tell("Rain")
    with schema_of(acme.console):
        assert not Delivery.objects.filter(channel="sms").exists()


def test_only_owners_set_it_up(provider: Provider, acme: Isp, his: Client, db: None) -> None:
    nobody = browser(acme.console_host)
    sam = browser_of(person(acme.console, "sam"), acme.console_host, acme.console)
    for path in (PAGE, f"{PAGE}test/"):
        assert nobody.post(path).status_code == 302
        assert sam.post(path).status_code == 403
    assert sam.get(PAGE).status_code == 403
    save(his, provider)
    with schema_of(acme.console):
        assert not SmsGateway.objects.exists()


def test_a_body_is_understood_before_anything_is_put_into_it() -> None:
    assert parsed_body("form", "to={to}\n\n text = {text}=1 ") == {"to": "{to}", "text": "{text}=1"}
    deep = f"""{"[" * 950}"{{to}}{{text}}"{"]" * 950}"""
    wrong = (("form", "{to}{text}"), ("json", "{to}{text}"), ("json", "[1]"), ("json", deep))
    for format, body in wrong:
        with pytest.raises(ValueError, match="."):
            parsed_body(format, body)


def test_an_answer_that_never_ends_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sms, "DEADLINE_S", 0.5)
    with socket.create_server(("127.0.0.1", 0)) as tarpit:

        def drip() -> None:
            line, _address = tarpit.accept()
            with line, suppress(OSError):
                while True:
                    line.send(b"H")
                    time.sleep(0.1)

        threading.Thread(target=drip, daemon=True).start()
        url = f"http://127.0.0.1:{tarpit.getsockname()[1]}/"
        began = time.monotonic()
        with pytest.raises(SendError, match="within 0.5 s"):
            HttpGateway(url, "POST", "json", BODY, {}).send(to="+4670", text="Hi")
        assert time.monotonic() - began < 15


def test_the_secret_of_one_host_is_not_told_to_another(
    connected: Provider, hers: Client, acme: Isp
) -> None:
    save(hers, connected, headers="", url=f"{connected.url}/v2", version=1)
    with schema_of(acme.console):
        assert SmsGateway.objects.get().headers
    elsewhere = connected.url.replace("127.0.0.1", "localhost")
    save(hers, connected, headers="", url=elsewhere, version=2)
    with schema_of(acme.console):
        assert SmsGateway.objects.get().headers == ""


def test_an_address_with_a_key_in_it_is_not_written_down(
    hers: Client, provider: Provider, acme: Isp
) -> None:
    save(hers, provider, url=f"{provider.url}?apikey=s3cr3t")
    with schema_of(acme.console):
        assert "s3cr3t" not in str(list(Event.objects.values_list("data", flat=True)))
        assert "s3cr3t" not in repr(gateways.texter())


def test_what_was_chosen_outlasts_a_gateway_that_is_off(
    connected: Provider, hers: Client, acme: Isp
) -> None:
    save(hers, connected, is_on="", version=1)
    hers.post(SETTINGS, {"test.happened:inbox": "on"})
    with schema_of(acme.console):
        assert Preference.objects.get(kind="test.happened", channel="sms").is_on


def test_a_wrong_number_leaves_the_choices_as_they_were(
    connected: Provider, hers: Client, acme: Isp
) -> None:
    hers.post(SETTINGS, {"test.happened:email": "on", "number": "070"})
    with schema_of(acme.console):
        assert Preference.objects.get(kind="test.happened", channel="sms").is_on
