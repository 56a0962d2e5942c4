"""What changed since a time, of rows that are changed by statements and not by their models."""

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection
from django.utils import timezone

from apps.accounts.models import Membership, User
from apps.core.models import Tombstone
from apps.notifications.models import Channel, Notification, Suppressed
from apps.notifications.models import Delivery as Message
from apps.subscribers.models import SubscriberImport
from apps.tenancy.kinds import schema_of
from apps.webhooks.models import Delivery, Endpoint
from tests.api.conftest import Program
from tests.conftest import Isp
from tests.keys import key_like


def _message() -> Any:
    person = User.objects.create_user("dora@acme.example", "secret-of-dora")
    told = Notification.objects.create(user=person, kind="x", key="1", data={}, url="/")
    return Message.objects.create(notification=told, channel=Channel.EMAIL, address=person.email)


def _webhook() -> Any:
    endpoint = Endpoint.objects.create(url="https://crm.acme.example/", types=["*"])
    now = timezone.now()
    return Delivery.objects.create(
        endpoint=endpoint, event=uuid4(), type="x.y", due_at=now, created_at=now, ended_at=now
    )


CASES: dict[str, tuple[Callable[[], Any], dict[str, Any]]] = {
    "messages": (_message, {"status": "failed"}),
    "webhook-deliveries": (_webhook, {"ended_at": None}),
    "imports": (lambda: SubscriberImport.objects.create(filename="a.csv"), {"status": "importing"}),
}


@pytest.mark.parametrize("resource", CASES)
def test_a_row_that_a_statement_changes_is_among_what_changed(
    resource: str, desk: Program, acme: Isp
) -> None:
    make, change = CASES[resource]
    with schema_of(acme.workspace):
        row = make()
        with connection.cursor() as cursor:
            cursor.execute("SELECT clock_timestamp()")
            since = cursor.fetchone()[0].isoformat()
    assert desk.get(f"{resource}/", updated_since=since).json()["results"] == []
    with schema_of(acme.workspace):
        type(row).objects.filter(pk=row.pk).update(**change)
    (found,) = desk.get(f"{resource}/", updated_since=since).json()["results"]
    assert found["id"] == str(row.uuid)


def test_an_address_that_may_be_written_to_again_is_among_what_is_gone(
    desk: Program, acme: Isp
) -> None:
    with schema_of(acme.workspace):
        row = Suppressed.objects.create(address="dora@acme.example")
    since = timezone.now().isoformat()
    assert desk.send("DELETE", f"suppressions/{row.uuid}/").status_code == 204
    gone = desk.get("deleted/", resource="suppressions", updated_since=since).json()["results"]
    assert [one["id"] for one in gone] == [str(row.uuid)]


def test_who_lists_a_resource_follows_what_of_it_is_gone_and_nothing_else(
    desk: Program, acme: Isp
) -> None:
    with schema_of(acme.workspace):
        user = User.objects.create_user("sue@acme.example", is_staff=True)
        Membership.objects.create(user=user, role="support")
        narrow = Program(
            acme.workspace_host, key_like(user, scopes=["subscribers.view"])[1].reveal()
        )
        none = Program(acme.workspace_host, key_like(user, scopes=["keys.use"])[1].reveal())
        now = timezone.now()
        for name in ("subscribers", "people"):
            Tombstone.objects.create(resource=name, uuid=uuid4(), deleted_at=now)
    (gone,) = narrow.get("deleted/").json()["results"]
    assert gone["resource"] == "subscribers"
    assert {one["resource"] for one in desk.get("deleted/").json()["results"]} == {
        "subscribers",
        "people",
    }
    assert none.get("deleted/").status_code == 403


def test_a_misspelt_filter_is_named(desk: Program, acme: Isp) -> None:
    refused = desk.get("subscribers/", statsu="lead")
    assert refused.status_code == 400
    assert "statsu" in refused.text
    assert desk.get("subscribers/", status="lead", limit=5, ordering="name").status_code == 200
