"""What people are told of: each kind comes when it happens, to those whom it concerns."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from apps.accounts.models import User
from apps.core.zones import day_in
from apps.events import services as events
from apps.events.actors import SYSTEM, user_actor
from apps.fleet.models import Server
from apps.fleet.services import servers as fleet
from apps.instances import services as instances
from apps.notifications.models import Delivery, Notification
from apps.subscribers.models import SubscriberImport
from apps.tenancy.kinds import operator, schema_of
from apps.tenants.models import Organisation
from apps.tenants.trials import tell_of_trials
from tests.accounts.browser import text_of
from tests.conftest import Isp
from tests.instances.world import (
    Shop,
    adopt,
    arrange_release,
    engine,
    new_shop,
    platform,
    running_shop,
)
from tests.notifications.conftest import browser_of, person, show_events

__all__ = ["engine", "new_shop", "platform", "running_shop"]
RunDue = Callable[[], list[str]]


def told(schema: str) -> dict[str, str]:
    """Who was told what, by e-mail address."""
    show_events(schema)
    with schema_of(schema):
        rows = Notification.objects.select_related("user")
        return {row.user.email: row.heading for row in rows}


def mailed(schema: str) -> set[str]:
    with schema_of(schema):
        return set(Delivery.objects.values_list("address", flat=True))


def test_who_deployed_is_told_of_the_end(
    running_shop: Shop, acme: Isp, alice: User, run_due: RunDue
) -> None:
    person(acme.console, "carol")
    show_events(acme.console)
    with schema_of(acme.console):
        Notification.objects.all().delete()
        arrange_release(running_shop, 2)
        instances.deploy(running_shop.row, actor=user_actor(alice), release="2.0")
    run_due()
    assert told(acme.console) == {"alice@example.net": "Shop is deployed"}
    with schema_of(acme.console):
        url = Notification.objects.get().url
    assert url == f"/operations/{running_shop.operation.uuid}/"


def test_all_staff_are_told_of_a_deployment_that_failed(
    running_shop: Shop, acme: Isp, alice: User, run_due: RunDue
) -> None:
    person(acme.console, "carol")
    person(acme.console, "guest", is_staff=False)
    arrange_release(running_shop, 2, exit_code=3)
    running_shop.deploy("2.0")
    run_due()
    heading = "Shop was not deployed"
    assert told(acme.console) == {"alice@example.net": heading, "carol@example.net": heading}
    assert mailed(acme.console) == {"alice@example.net", "carol@example.net"}
    with schema_of(acme.console):
        assert Notification.objects.first().body


def test_staff_are_told_of_a_suspension(
    running_shop: Shop, acme: Isp, alice: User, hers: Client, run_due: RunDue
) -> None:
    running_shop.change("suspend")
    run_due()
    assert told(acme.console) == {"alice@example.net": "Shop is suspended"}
    with schema_of(acme.console):
        one = Notification.objects.get()
    assert hers.get(f"/notifications/{one.uuid}/", follow=True).status_code == 200


def test_the_operator_is_told_of_a_server_that_is_silent_and_of_its_return(
    platform: None, acme: Isp, alice: User
) -> None:
    person("public", "root", is_superuser=True)
    server = Server.objects.get()
    with operator():
        for _turn in range(Server.PROBES_TO_UNREACHABLE):
            server.refresh_from_db()
            fleet.note_silence(server, "No answer for 5 s.")
    assert told("public") == {"root@example.net": "Server one does not answer"}
    assert mailed("public") == {"root@example.net"}
    with operator():
        assert Notification.objects.get().body.startswith("No answer for 5 s. Deployments")
        server.refresh_from_db()
        fleet.note_answer(server, "28.0")
        Notification.objects.all().delete()
    assert told("public") == {"root@example.net": "Server one answers again"}
    assert told(acme.console) == {}


def test_who_brought_a_file_is_told_of_its_import(acme: Isp, db: None) -> None:
    sam = person(acme.workspace, "sam", is_superuser=True)
    person(acme.workspace, "carol")
    with schema_of(acme.workspace):
        source = SubscriberImport.objects.create(filename="list.csv", created_by=sam.email)
        facts = {"rows": 12, "left_out": 1}
        events.record("subscriber_import.imported", actor=SYSTEM, subject=source, data=facts)
    assert told(acme.workspace) == {"sam@example.net": "list.csv is imported"}
    with schema_of(acme.workspace):
        one = Notification.objects.get()
        assert one.body == "Subscribers added: 12. Rows left out: 1."
    page = browser_of(sam, acme.workspace_host, acme.workspace).get(one.url)
    assert page.status_code == 200
    with schema_of(acme.workspace):
        failed = {"name": "subscribers.import", "operation": "x", "cause": "The disk is full."}
        events.record("operation.failed", actor=SYSTEM, subject=source, data=failed)
    assert told(acme.workspace) == {"sam@example.net": "list.csv was not imported"}


@pytest.mark.parametrize(("days", "count"), [(-1, 0), (2, 1), (5, 0)])
def test_staff_are_told_once_that_the_trial_ends_soon(
    platform: None, acme: Isp, alice: User, days: int, count: int
) -> None:
    adopt(acme)
    ends = timezone.now() + timedelta(days=days)
    Organisation.objects.update(trial_ends_at=ends)
    with operator():
        assert tell_of_trials() == count
        assert tell_of_trials() == 0
    day = day_in("Europe/Stockholm", ends)
    expected = {"alice@example.net": f"Your trial ends on {day:%Y-%m-%d}"} if count else {}
    assert told(acme.console) == expected


def test_a_sign_in_from_a_new_browser_is_in_the_inbox_of_its_person(acme: Isp, db: None) -> None:
    dora = person(acme.workspace, "dora", is_staff=False)
    with schema_of(acme.workspace):
        data: dict[str, Any] = {"browser": "Firefox on Linux", "ip": "198.51.100.7"}
        events.record("user.new_browser", actor=user_actor(dora), subject=dora, data=data)
    assert told(acme.workspace) == {"dora@example.net": "New sign-in from Firefox on Linux"}
    # Sign-in sends its own mail, with the link that ends the session.
    assert mailed(acme.workspace) == set()
    page = browser_of(dora, acme.workspace_host, acme.workspace).get("/notifications/")
    assert "198.51.100.7" in text_of(page)
