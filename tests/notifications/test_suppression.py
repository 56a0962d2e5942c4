"""Addresses to which nothing is sent any more, and the providers that report them."""

import json
from collections.abc import Callable
from datetime import timedelta
from smtplib import SMTPRecipientsRefused
from typing import Any

import pytest
import time_machine
from django.core import mail
from django.test import Client
from django.utils import timezone

from apps.events.models import Event
from apps.notifications.models import Delivery, Notification, Suppressed
from apps.notifications.suppression import bounce_token
from apps.tenancy.kinds import schema_of
from tests.accounts.browser import text_of
from tests.conftest import Isp
from tests.notifications.conftest import browser_of, person
from tests.notifications.test_delivery import refuse
from tests.pages.conftest import browser

Tell = Callable[..., Notification]
RunDue = Callable[[], list[str]]
LIST = "/admin/notifications/suppressed/"


def report(isp: Isp, body: Any, token: str = "") -> Any:
    """What a provider sends; it has no cookie and no token of a form."""
    if not token:
        with schema_of(isp.console):
            token = bounce_token()
    client = Client(headers={"host": isp.console_host}, enforce_csrf_checks=True)
    text = body if isinstance(body, str) else json.dumps(body)
    path = f"/notifications/bounces/{token}/"
    return client.post(path, text, content_type="application/json")


def suppressed(isp: Isp) -> dict[str, str]:
    with schema_of(isp.console):
        return dict(Suppressed.objects.values_list("address", "reason"))


def test_who_bounced_gets_no_mail_until_taken_off_the_list(
    tell: Tell, acme: Isp, hers: Client, run_due: RunDue
) -> None:
    body = {"address": "Alice@Example.net", "type": "bounce", "reason": "550 no\nsuch user"}
    assert report(acme, body).json() == {"suppressed": 1}
    assert report(acme, body).json() == {"suppressed": 0}
    assert suppressed(acme) == {"alice@example.net": "Bounced: 550 no such user"}
    tell("Rain")
    run_due()
    assert mail.outbox == []
    with schema_of(acme.console):
        assert "suppressed" in Delivery.objects.get().error
        pk = Suppressed.objects.get().pk
    page = text_of(hers.get(LIST))
    assert "alice@example.net" in page
    assert "/notifications/bounces/" in page
    hers.post(f"{LIST}{pk}/delete/", {"post": "yes"})
    assert suppressed(acme) == {}
    tell("Hail")
    run_due()
    assert len(mail.outbox) == 1
    with schema_of(acme.console):
        types = set(Event.objects.values_list("type", flat=True))
    assert {"address.suppressed", "address.released"} <= types


def test_an_address_that_a_server_refuses_for_good_is_put_on_it(
    tell: Tell, acme: Isp, run_due: RunDue, monkeypatch: pytest.MonkeyPatch
) -> None:
    tell("Rain")
    refuse(monkeypatch, SMTPRecipientsRefused({"alice@example.net": (550, b"5.1.1 no such user")}))
    run_due()
    assert suppressed(acme) == {"alice@example.net": "Refused: 550"}


@pytest.mark.parametrize("why", [b"5.7.1 relay denied", b"5.2.2 full", b"no", b""])
def test_another_refusal_says_nothing_about_the_address(
    tell: Tell, acme: Isp, run_due: RunDue, monkeypatch: pytest.MonkeyPatch, why: bytes
) -> None:
    tell("Rain")
    refuse(monkeypatch, SMTPRecipientsRefused({"alice@example.net": (554, why)}))
    run_due()
    assert suppressed(acme) == {}
    with schema_of(acme.console):
        assert Delivery.objects.get().status == "failed"


def test_several_are_reported_at_once_and_what_is_no_end_is_passed_over(
    acme: Isp, db: None
) -> None:
    rows = [
        {"address": "a@example.com", "type": "bounce"},
        {"address": "b@example.com", "type": "complaint", "reason": None},
        {"address": "c@example.com", "type": "delivered"},
        {"type": "opened"},
    ]
    assert report(acme, rows).json() == {"suppressed": 2}
    assert suppressed(acme) == {"a@example.com": "Bounced", "b@example.com": "Complained"}


@pytest.mark.parametrize(
    "body",
    [
        "",
        "nonsense",
        "3",
        [1],
        {"type": "bounce"},
        {"address": "no address", "type": "bounce"},
        [{"address": "a@example.com", "type": "bounce"}, {"address": 3, "type": "bounce"}],
        [{}] * 1001,
        {"address": f"{'a' * 60}@{'b' * 60}.{'c' * 60}.{'d' * 60}.{'e' * 60}", "type": "bounce"},
        {"address": "a@example.com", "type": "bounce", "reason": "no\x00"},
    ],
)
def test_what_is_no_report_changes_nothing(acme: Isp, db: None, body: Any) -> None:
    assert report(acme, body).status_code == 400
    assert suppressed(acme) == {}


def test_only_the_schema_s_own_token_opens_it(acme: Isp, initech: Isp, db: None) -> None:
    body = {"address": "a@example.com", "type": "bounce"}
    with schema_of(initech.console):
        theirs = bounce_token()
    with schema_of(acme.workspace):
        of_the_workspace = bounce_token()
    for token in (theirs, of_the_workspace, "0" * 40, "x"):
        assert report(acme, body, token).status_code == 404
    assert suppressed(acme) == {}


def test_an_owner_adds_by_hand_and_nobody_else_may(acme: Isp, hers: Client, his: Client) -> None:
    add = f"{LIST}add/"
    said = {"address": "Dora@example.com", "reason": "asked for it"}
    nobody = browser(acme.console_host)
    sam = browser_of(person(acme.console, "sam"), acme.console_host, acme.console)
    assert nobody.post(add, said).status_code == 302
    assert sam.post(add, said).status_code == 403
    assert sam.get(LIST).status_code == 403
    his.post(add, said)
    assert suppressed(acme) == {}
    hers.post(add, said)
    assert suppressed(acme) == {"dora@example.com": "asked for it"}


def test_the_address_is_renewed_and_that_of_before_counts_for_a_week(
    acme: Isp, hers: Client, his: Client, db: None
) -> None:
    body = {"address": "a@example.com", "type": "bounce"}
    with schema_of(acme.console):
        old = bounce_token()
    his.post(f"{LIST}renew/")
    with schema_of(acme.console):
        assert bounce_token() == old
    hers.post(f"{LIST}renew/")
    with schema_of(acme.console):
        new = bounce_token()
    assert new != old
    assert report(acme, body, old).json() == {"suppressed": 1}
    with time_machine.travel(timezone.now() + timedelta(days=8)):
        assert report(acme, body, old).status_code == 404
        assert report(acme, body, new).status_code == 200


def test_why_an_address_is_there_is_read_in_the_reader_s_language(acme: Isp, hers: Client) -> None:
    with schema_of(acme.console):
        for address, reason in (
            ("gone@example.net", "Refused: 550"),
            ("told@example.net", "Wrote to us: no mails"),
            ("bare@example.net", "Complained"),
            ("hand@example.net", ""),
        ):
            Suppressed.objects.create(address=address, reason=reason)
        gone = Suppressed.objects.get(address="gone@example.net")
    page = text_of(hers.get(LIST))
    for said in ("Refused: 550", "Wrote to us: no mails", "Complained", "Put there by hand"):
        assert said in page
    assert "Refused: 550" in text_of(hers.get(f"{LIST}{gone.pk}/change/"))
