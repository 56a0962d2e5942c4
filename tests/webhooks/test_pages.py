"""Webhooks in the admin: set up, tried, paused, rotated, replayed, by those who may."""

import re
from functools import partial
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from apps.accounts.models import User
from apps.events.actors import SYSTEM
from apps.events.models import Event
from apps.tenancy.kinds import schema_of
from apps.webhooks import services
from apps.webhooks.models import Attempt, Delivery, Endpoint
from apps.webhooks.secrets import secrets_of
from tests.accounts.browser import text_of
from tests.conftest import Isp
from tests.costs import queries_of
from tests.instances.world import engine, new_shop, platform, running_shop, sign_up
from tests.pages.conftest import alice, alice_at_work, bob, browser, guest, root, signed_in

__all__ = ["engine", "new_shop", "platform", "running_shop", "sign_up"]
__all__ += ["alice", "alice_at_work", "bob", "guest", "root"]

LIST = "/admin/webhooks/endpoint/"
ADDRESS = "https://crm.acme.example/hook"


@pytest.fixture
def endpoint(acme: Isp, db: None) -> Endpoint:
    """A webhook of Acme's workspace, with a delivery that failed once."""
    with schema_of(acme.workspace):
        made, _secret = services.create_endpoint(url=ADDRESS, description="CRM", actor=SYSTEM)
        add_deliveries(made, 1)
    return made


def add_deliveries(endpoint: Endpoint, count: int) -> None:
    now = timezone.now()
    for _turn in range(count):
        delivery = Delivery.objects.create(
            endpoint=endpoint,
            event=Event._meta.get_field("uuid").get_default(),
            type="mast.built",
            due_at=now,
            created_at=now,
        )
        Attempt.objects.create(
            delivery=delivery, at=now, status=500, duration_ms=37, error="It answered 500."
        )


def pages(endpoint: Endpoint) -> list[str]:
    with schema_of("w_acme"):
        delivery = Delivery.objects.earliest("pk").pk
    own = f"{LIST}{endpoint.pk}"
    return [
        LIST,
        f"{LIST}add/",
        f"{own}/change/",
        "/admin/webhooks/delivery/",
        f"/admin/webhooks/delivery/{delivery}/change/",
    ]


def acts(endpoint: Endpoint) -> list[str]:
    with schema_of("w_acme"):
        delivery = Delivery.objects.earliest("pk").pk
    own = f"{LIST}{endpoint.pk}/do"
    return [
        *(f"{own}/{what}/" for what in ("test", "pause", "resume", "rotate", "replay")),
        f"/admin/webhooks/delivery/{delivery}/replay/",
    ]


def test_each_level_has_webhooks(root: Client, alice: Client, alice_at_work: Client) -> None:
    for client in (root, alice, alice_at_work):
        assert client.get(LIST).status_code == 200
        assert "/admin/webhooks/endpoint/" in client.get("/admin/").content.decode()


def test_every_page_opens(alice_at_work: Client, endpoint: Endpoint) -> None:
    for page in pages(endpoint):
        assert alice_at_work.get(page).status_code == 200, page
    said = text_of(alice_at_work.get(pages(endpoint)[2]))
    assert "It answered 500." in said
    assert "37 ms" in said


def test_outsiders_see_and_do_nothing(
    guest: Client, bob: Client, acme: Isp, endpoint: Endpoint
) -> None:
    tech = signed_in(acme.workspace_host, acme.workspace, "tech@acme.example")
    with schema_of(acme.workspace):
        User.objects.filter(email="tech@acme.example").update(is_superuser=False)
    for page in pages(endpoint):
        assert browser(acme.workspace_host).get(page).status_code == 302
        assert guest.get(page, follow=True).status_code in (403, 404)
        assert tech.get(page).status_code == 403
        assert ADDRESS not in bob.get(page, follow=True).content.decode()
    for act in acts(endpoint):
        assert tech.post(act, {"since": "2026-01-01"}).status_code == 403
        assert bob.post(act).status_code == 404
        assert browser(acme.workspace_host).post(act).status_code == 302
    with schema_of(acme.workspace):
        assert Endpoint.objects.get().status == "active"


def test_a_webhook_is_set_up_and_its_secret_shown_once(alice_at_work: Client, acme: Isp) -> None:
    asked = {"url": ADDRESS, "description": "CRM", "type_list": "Subscriber.*, service.activated"}
    said = text_of(alice_at_work.post(f"{LIST}add/", asked))
    with schema_of(acme.workspace):
        made = Endpoint.objects.get()
        (secret,) = secrets_of(made)
        event = Event.objects.get(type="webhook.created")
    assert made.types == ["subscriber.*", "service.activated"]
    assert secret.reveal() in said
    assert (event.actor_label, event.ip) == ("alice@acme.example", "127.0.0.1")
    change = f"{LIST}{made.pk}/change/"
    assert "whsec_" not in alice_at_work.get(change).content.decode()
    alice_at_work.post(change, {**asked, "type_list": ""})
    with schema_of(acme.workspace):
        assert Endpoint.objects.get().types == []
        assert "whsec_" not in str(list(Event.objects.values()))


@pytest.mark.parametrize(
    "wrong",
    [
        {"url": "ftp://crm.acme.example/"},
        {"url": "https://me:secret@crm.acme.example/"},
        {"url": ""},
        {"type_list": "everything"},
        {"type_list": "*"},
    ],
)
def test_what_cannot_work_is_said_at_its_field(
    alice_at_work: Client, acme: Isp, wrong: dict[str, Any]
) -> None:
    asked = {"url": ADDRESS, "description": "", "type_list": ""}
    assert alice_at_work.post(f"{LIST}add/", {**asked, **wrong}).status_code == 200
    with schema_of(acme.workspace):
        assert not Endpoint.objects.exists()


def test_what_is_done_with_one(alice_at_work: Client, acme: Isp, endpoint: Endpoint) -> None:
    def do(what: str, **values: str) -> str:
        page = f"{LIST}{endpoint.pk}/do/{what}/"
        return text_of(alice_at_work.post(page, values, follow=True))

    assert "on its way" in do("test")
    assert "can be replayed" in do("pause")
    assert "Resume it first" in do("test")
    assert "sent again" in do("resume")
    assert re.search("whsec_[A-Za-z0-9+/=]{40}", do("rotate"))
    assert "Enter a time" in do("replay", since="soon")
    assert "events are sent again" in do("replay", since="2026-01-31 09:00")
    assert alice_at_work.post(f"{LIST}{endpoint.pk}/do/explode/").status_code == 404
    assert alice_at_work.get(f"{LIST}{endpoint.pk}/do/test/").status_code == 405
    answer = alice_at_work.post(acts(endpoint)[-1], follow=True)
    assert "sent again now" in text_of(answer)


def test_one_is_removed_with_its_deliveries(
    alice_at_work: Client, acme: Isp, endpoint: Endpoint
) -> None:
    page = f"{LIST}{endpoint.pk}/delete/"
    assert alice_at_work.get(page).status_code == 200
    alice_at_work.post(page, {"post": "yes"})
    with schema_of(acme.workspace):
        assert not Endpoint.objects.exists()
        assert not Delivery.objects.exists()
        assert Event.objects.get(type="webhook.removed").data["place"] == "https://crm.acme.example"


def test_more_deliveries_cost_no_more_queries(
    alice_at_work: Client, acme: Isp, endpoint: Endpoint
) -> None:
    def costs() -> list[int]:
        return [queries_of(partial(alice_at_work.get, page)) for page in pages(endpoint)]

    few = costs()
    with schema_of(acme.workspace):
        add_deliveries(endpoint, 15)
    assert costs() <= few
