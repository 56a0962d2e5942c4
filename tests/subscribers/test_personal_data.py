"""A subscriber's data given out, and the subscriber erased; what was sold is counted still."""

import json

import pytest
from django.contrib.admin.models import LogEntry
from django.test import Client

from apps.accounts.models import User
from apps.accounts.services import create_user
from apps.billing import services as billing
from apps.core.exceptions import ConflictError
from apps.events.actors import SYSTEM
from apps.events.models import Event
from apps.subscribers import services
from apps.subscribers.models import Service, ServiceAddress, Subscriber
from apps.subscribers.personal import erase_subscriber, subscriber_data, subscriber_preview
from apps.tenancy.kinds import schema_of
from tests.accounts.browser import text_of
from tests.conftest import Isp
from tests.keys import key_like
from tests.pages.conftest import signed_in
from tests.tenants.erasable import rows_that_say

WORDS = ["dora@example.com", "Dora Diaz", "1 Elm Road", "dora-router", "+4670111"]


@pytest.fixture
def dora(acme: Isp, db: None) -> Subscriber:
    """Dora with a log-in, a service and an address."""
    with schema_of(acme.workspace):
        plan = billing.create_plan(key="fiber", name="Fiber", actor=SYSTEM)
        speeds = {"down_kbps": 1000, "up_kbps": 1000}
        terms = billing.Terms(currency="USD", flat_minor=3900, entitlements=speeds)
        version = billing.publish_version(plan, terms, actor=SYSTEM)
        user = create_user(email="dora@example.com", password="x" * 12, actor=SYSTEM)
        person = services.create_subscriber(
            name="Dora Diaz",
            email="dora@example.com",
            phone="+4670111",
            user=user,
            address={"street": "1 Elm Road", "city": "Waverly"},
            actor=SYSTEM,
        )
        service = services.add_service(
            person,
            plan_version=version,
            username="dora-router",
            address=person.addresses.get(),
            actor=SYSTEM,
        )
        services.activate_service(service, actor=SYSTEM)
        person.refresh_from_db()
        return person


def end_services(person: Subscriber) -> None:
    for service in person.services.all():
        services.terminate_service(service, reason="moved away", actor=SYSTEM)


def test_the_file_has_all_of_it(dora: Subscriber, acme: Isp) -> None:
    with schema_of(acme.workspace):
        said = json.dumps(subscriber_data(dora))
        assert all(word in said for word in WORDS)
        assert "log_in" in json.loads(said)
        assert "subscriber.created" in said


def test_who_has_a_service_is_not_erased(dora: Subscriber, acme: Isp) -> None:
    with schema_of(acme.workspace), pytest.raises(ConflictError, match="still has a service"):
        erase_subscriber(dora, actor=SYSTEM)


def test_nothing_says_who_it_was_but_what_was_sold_is_counted(dora: Subscriber, acme: Isp) -> None:
    with schema_of(acme.workspace):
        end_services(dora)
        assert {str(line.title) for line in subscriber_preview(dora)} >= {"services", "addresses"}
        erase_subscriber(dora, actor=SYSTEM)
        service = Service.objects.get()
        assert (service.status, service.username) == ("terminated", "")
        assert service.activated_at is not None
        assert service.changes.count() == 3
        assert not ServiceAddress.objects.exists()
        assert not User.objects.filter(email="dora@example.com").exists()
        person = Subscriber.objects.get()
        assert (person.status, person.number) == ("archived", dora.number)
        assert Event.objects.filter(type="subscriber.erased").count() == 1
    assert rows_that_say(WORDS) == {}


def test_a_log_in_of_the_staff_or_of_another_one_stays(dora: Subscriber, acme: Isp) -> None:
    with schema_of(acme.workspace):
        services.create_subscriber(name="Emil", user=dora.user, actor=SYSTEM)
        end_services(dora)
        erase_subscriber(dora, actor=SYSTEM)
        assert User.objects.filter(email="dora@example.com").exists()


def test_the_page_asks_for_the_number(dora: Subscriber, acme: Isp, run_due) -> None:
    alice = signed_in(acme.workspace_host, acme.workspace, "alice@acme.example")
    page = f"/admin/subscribers/subscriber/{dora.pk}/personal/"
    assert "Export personal data" in text_of(alice.get(page))
    assert "still has a service" in text_of(alice.post(page, {"confirm": dora.number}, follow=True))
    with schema_of(acme.workspace):
        end_services(dora)
    assert "This is somebody else" in text_of(alice.post(page, {"confirm": "S-1"}))
    address = f"/admin/subscribers/subscriber/{dora.pk}/personal.json"
    alice.post(address)
    run_due()
    assert "dora-router" in alice.get(address).getvalue().decode()
    shown = alice.post(page, {"confirm": dora.number}, follow=True)
    assert f"Erase the person {dora.number}" in text_of(shown)
    run_due()
    assert alice.get(address).status_code == 302
    assert rows_that_say(WORDS) == {}


def test_who_was_added_by_a_page_is_erased_from_its_history_too(acme: Isp, db: None) -> None:
    alice = signed_in(acme.workspace_host, acme.workspace, "alice@acme.example")
    page = "/admin/subscribers/subscriber/"
    told = {"name": "Emil Novakovic", "email": "emil@example.com"}
    assert alice.post(f"{page}add/", told).status_code == 302
    with schema_of(acme.workspace):
        emil = Subscriber.objects.get(name="Emil Novakovic")
    history = f"{page}{emil.pk}/history/"
    assert "Created" in text_of(alice.get(history))
    with schema_of(acme.workspace):
        erase_subscriber(emil, actor=SYSTEM)
        assert not LogEntry.objects.exists()
    assert rows_that_say(["Emil Novakovic", "emil@example.com"]) == {}
    assert "Erased" in text_of(alice.get(history))


def test_programs_do_the_same(dora: Subscriber, acme: Isp, run_due) -> None:
    with schema_of(acme.workspace):
        end_services(dora)
        owner = User.objects.create_superuser("alice@acme.example")
        key = key_like(owner)[1].reveal()
    program = Client(headers={"host": acme.workspace_host, "authorization": f"Bearer {key}"})
    url = f"/api/v1/subscribers/{dora.uuid}/"
    assert program.post(f"{url}personal-data/").status_code == 202
    run_due()
    assert program.get(f"{url}personal-data/").json()["about"]["kind"] == "subscriber"
    wrong = program.post(f"{url}erase/", {"confirm": "x"}, content_type="application/json")
    assert wrong.status_code == 400
    body = {"confirm": dora.number}
    done = program.post(f"{url}erase/", body, content_type="application/json")
    assert done.status_code == 202
    run_due()
    assert rows_that_say(WORDS) == {}
