"""What a level looks like and how its messages leave, over the API, and who is in its record."""

from base64 import b64encode
from collections.abc import Callable
from typing import Any

import pytest
from django.http import HttpResponse
from django.test import Client
from django.utils import timezone

from apps.accounts.models import User
from apps.branding.senders import CHECK
from apps.events.models import Event
from apps.notifications.models import Delivery, Phone
from apps.tenancy.kinds import schema_of
from apps.work.models import Due
from tests.api.conftest import Program, key_in
from tests.conftest import Isp
from tests.keys import key_like

Problem = Callable[[HttpResponse], dict[str, Any]]
SVG = b'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 120 40" onload="steal()"></svg>'
SECRET = "Authorization: Bearer s3cr3t-t0ken"
GATEWAY = {"url": "https://sms.example/v1/messages", "headers": SECRET, "is_on": True}


def test_a_logo_is_put_and_taken_away(desk: Program, acme: Isp, problem: Problem) -> None:
    first = desk.patch("brand/", {"name": "Acme Home"})
    etag = {"if-match": first["etag"]}
    dark = {"content": b64encode(SVG).decode()}
    shown = desk.send("PUT", "brand/logo-dark/", dark, etag).json()
    assert (shown["name"], shown["logo"]) == ("Acme Home", None)
    picture = Client(headers={"host": acme.workspace_host}).get(shown["logo_dark"])
    assert picture["content-type"] == "image/svg+xml"
    assert b"onload" not in picture.content
    late = desk.send("PUT", "brand/logo/", dark, etag)
    assert problem(late)["code"] == "precondition_failed"
    for content in ("%%%", "é", b64encode(b"GIF89a").decode()):
        refused = problem(desk.send("PUT", "brand/logo/", {"content": content}))
        assert (refused["status"], refused["errors"][0]["field"]) == (400, "content")
    assert desk.send("DELETE", "brand/logo-dark/").status_code == 204
    assert desk.get("brand/").json()["logo_dark"] is None
    viewer = Program(acme.workspace_host, key_in(acme.workspace, "v@acme.example", role="viewer"))
    assert viewer.send("PUT", "brand/logo/", dark).status_code == 403


def test_the_ways_out_are_set_and_tried(
    desk: Program, acme: Isp, problem: Problem, monkeypatch: pytest.MonkeyPatch
) -> None:
    with schema_of(acme.workspace):
        alice = User.objects.get(email="alice@acme.example")
        guest = User.objects.create_user("guest@example.com")
    her = {"person": str(alice.uuid)}
    for way in ("sms-gateway", "sender"):
        assert problem(desk.post(f"{way}/test/", her))["status"] == 409
    saved = desk.patch("sms-gateway/", GATEWAY)
    assert saved.json()["has_headers"]
    assert "headers" not in saved.json()
    assert "t0ken" not in desk.get("sms-gateway/").content.decode()
    with schema_of(acme.workspace):
        reads = Program(acme.workspace_host, key_like(alice, scopes=["read"])[1].reveal())
    assert [reads.get(f"{way}/").status_code for way in ("sms-gateway", "sender")] == [403, 200]
    assert problem(desk.patch("sms-gateway/", {"body": "{text}"}))["errors"][0]["field"] == "body"
    assert desk.patch("sms-gateway/", {"method": "PUT"}).json()["has_headers"]
    elsewhere = desk.patch("sms-gateway/?dry_run=true", {"url": "https://other.example/"})
    assert not elsewhere.json()["has_headers"]
    assert problem(desk.post("sms-gateway/test/", her))["status"] == 400
    with schema_of(acme.workspace):
        Phone.objects.create(user=alice, number="+46701234567")
    sender = {"address": "no-reply@acme.example", "host": "mail.acme.example", "is_on": True}
    assert desk.get("sender/").json()["domain"] is None
    assert desk.patch("sender/", sender).status_code == 200
    assert desk.post("sender/domain/").status_code == 202
    with schema_of(acme.workspace):
        asked = Due.objects.get(kind=CHECK)
        assert asked.due_at <= timezone.now()
    for way, address in (("sms-gateway", "+46701234567"), ("sender", "alice@acme.example")):
        sent = desk.post(f"{way}/test/", her)
        assert (sent.status_code, sent.json()["status"]) == (202, "queued")
        followed = desk.get(f"messages/{sent.json()['id']}/").json()
        assert (followed["address"], followed["kind"].split(".")[1]) == (address, "test")
        refused = problem(desk.post(f"{way}/test/", {"person": str(guest.uuid)}))
        assert (refused["status"], refused["errors"][0]["field"]) == (400, "person")
    with schema_of(acme.workspace):
        assert Delivery.objects.count() == 2
        told = Event.objects.filter(type="sms_gateway.changed")
        assert "t0ken" not in str([event.data for event in told])


def test_a_person_is_taken_out_of_the_record(desk: Program, acme: Isp, problem: Problem) -> None:
    dora = desk.post("people/", {"name": "Dora Diaz", "email": "dora@example.com"}).json()
    asked = {"words": [dora["id"], "dora@example.com"], "confirm": "ERASE"}
    assert desk.post("events/erase/", {**asked, "confirm": "yes"}).status_code == 400
    refused = problem(desk.post("events/erase/", {**asked, "words": ["Do"]}))
    assert refused["errors"][0]["field"] == "words"
    tried = desk.post("events/erase/?dry_run=true", asked).json()
    assert {"type": "user.created", "acted": 0, "about": 1} in tried["found"]

    def label() -> str:
        with schema_of(acme.workspace):
            row = Event.objects.get(type="user.created", subject_id=dora["id"])
            return row.subject_label

    assert label() != ""
    assert desk.post("events/erase/", asked).json()["events"] == tried["events"]
    assert label() == ""
    admin = key_in(acme.workspace, "adam@acme.example", role="admin")
    assert Program(acme.workspace_host, admin).post("events/erase/", asked).status_code == 403
