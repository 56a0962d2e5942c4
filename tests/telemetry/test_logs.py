"""Log lines: who asked what in which process, and nothing that lets anybody in."""

import json
import re
from urllib.parse import urlencode

from apps.accounts.models import User
from apps.tenancy.kinds import schema_of
from dotmac.crypto.secret import Secret
from tests.live_platform import until
from tests.telemetry.conftest import Install
from tests.telemetry.installation import TOKEN, Answer, Installation

OPERATOR, CONSOLE = "dotmac.localhost", "acme.dotmac.localhost"
PASSWORD, WRONG = "correct-horse-battery-staple", "not-the-right-battery"
EMAIL = "carol@acme.example"
WEBHOOK_SECRET = "whsec_" + "c2VjcmV0LXRoYXQtbm9ib2R5LXJlYWRzLWhlcmU9"
PATH_TOKEN = "3x-abcdefghijklmnop-0123456789"


def form(place: Installation, path: str, host: str, **values: str) -> Answer:
    """A form sent as a browser does, with its cookie and token."""
    page = place.ask("GET", path, host=host)
    token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page.text)
    assert token is not None
    cookie = "; ".join(one.split(";")[0] for one in page.headers.get_all("Set-Cookie") or [])
    return place.ask(
        "POST",
        path,
        host=host,
        body=urlencode({"csrfmiddlewaretoken": token[1], **values}),
        Content_Type="application/x-www-form-urlencoded",
        Cookie=cookie,
        Origin=f"http://{host}",
    )


def test_nothing_secret_is_in_any_log(install: Install, key: Secret) -> None:
    with schema_of("public"):
        User.objects.filter(email=EMAIL).delete()
        User.objects.create_user(EMAIL, PASSWORD)
    place = install(WEBHOOK_NETWORKS="127.0.0.0/8")
    place.start("web", "worker", "clock")
    bearer = {"Authorization": f"Bearer {key.reveal()}"}
    for password in (WRONG, PASSWORD):
        answer = form(place, "/accounts/login/", OPERATOR, login=EMAIL, password=password)
        assert answer.status in (200, 302), answer.text
    form(place, "/accounts/password/reset/", OPERATOR, email=EMAIL)
    place.ask("GET", f"/accounts/password/reset/key/{PATH_TOKEN}/", host=OPERATOR)
    place.ask("GET", f"/nothing/{PATH_TOKEN}/?token={PATH_TOKEN}", host=OPERATOR)
    made = place.ask(
        "POST",
        "/api/v1/webhooks/",
        host=CONSOLE,
        body=json.dumps({"url": f"https://127.0.0.1:9/{PATH_TOKEN}", "types": ["webhook.*"]}),
        Content_Type="application/json",
        **bearer,
    )
    assert made.status == 201, made.text
    place.ask("POST", f"/api/v1/webhooks/{made.json['id']}/test/", host=CONSOLE, **bearer)
    place.ask("GET", "/api/v1/webhooks/", host=CONSOLE, Authorization="Bearer dm_no_" + WRONG)
    place.numbers()
    until(lambda: place.lines("web", event="request", status=401), what="The last line")
    assert place.lines("web", route="account_reset_password_from_key")
    secrets = {
        "password": PASSWORD,
        "a wrong password": WRONG,
        "key": key.reveal(),
        "the key's secret": key.reveal().split("_", 2)[2],
        "the webhook's secret": made.json["secret"],
        "a token in a path": PATH_TOKEN,
        "the monitor's token": TOKEN,
        "an address of a person": EMAIL,
    }
    for name in place.processes:
        log = place.log(name)
        assert {what for what, text in secrets.items() if text in log} == set(), name


def test_each_request_has_one_line(install: Install, key: Secret) -> None:
    place = install()
    place.start("web")
    answer = place.ask(
        "GET", "/api/v1/operations/?limit=1", host=CONSOLE, Authorization=f"Bearer {key.reveal()}"
    )
    (line,) = place.lines("web", request_id=answer.headers["X-Request-Id"])
    assert {name: line[name] for name in ("event", "method", "route", "status")} == {
        "event": "request",
        "method": "GET",
        "route": "operation-list",
        "status": 200,
    }
    assert line["schema"] == "c_acme"
    assert line["user"].startswith("program:")
    assert line["process"] == "web"
    assert line["release"]
    assert line["bytes"] == len(answer.text)
    assert line["queries"] >= 2
    assert 0 < line["db_ms"] <= line["ms"]


def test_an_error_names_its_line(install: Install) -> None:
    place = install()
    place.start("web")
    answer = place.ask("GET", "/api/v1/operations/", host=CONSOLE)
    assert answer.status == 401
    assert answer.json["request_id"] == answer.headers["X-Request-Id"]
    (line,) = place.lines("web", request_id=answer.json["request_id"])
    assert line["status"] == 401


def test_an_id_is_taken_over_from_our_proxy_alone(install: Install) -> None:
    place = install(REQUEST_ID_TOKEN="between-us")
    place.start("web")
    theirs = "0123456789abcdef0123"
    for shown, given, is_taken in (
        ("between-us", theirs, True),
        ("guessed", theirs, False),
        ("", theirs, False),
        ("between-us", "no id\x7f", False),
        ("between-us", "a" * 200, False),
    ):
        headers = {"X_Request_Id": given, "X_Request_Id_Token": shown}
        answer = place.ask("GET", "/accounts/login/", host=CONSOLE, **headers)
        assert (answer.headers["X-Request-Id"] == given) is is_taken


def test_what_somebody_made_up_is_no_route_and_no_method(install: Install) -> None:
    place = install()
    place.start("web")
    place.ask("GET", "/wp-login.php", host=CONSOLE)
    place.ask("BREW", "/coffee/", host=CONSOLE)
    place.ask("GET", "/anything/", host="nobody.example")
    until(lambda: len(place.lines("web", event="request")) >= 3, what="Three lines")
    lines = place.lines("web", event="request")
    assert {one["route"] for one in lines} == {"-"}
    assert {one["method"] for one in lines} == {"GET", "OTHER"}
