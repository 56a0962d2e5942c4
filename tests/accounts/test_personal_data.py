"""One person's data: given out as a file, and erased; what points at a person is all told of."""

import json
from collections.abc import Callable

import pytest
from django.apps import apps
from django.conf import settings
from django.test import Client

from apps.accounts.models import ServiceAccount, User
from apps.accounts.personal import erase_user, user_data, user_preview
from apps.core import personal
from apps.core.exceptions import ConflictError
from apps.events.actors import SYSTEM, user_actor
from apps.events.models import Event
from apps.lists.models import SavedView
from apps.notifications.models import Notification, Phone
from apps.subscribers.models import Service, Subscriber
from apps.tenancy.kinds import PUBLIC, schema_of
from apps.tenants.models import Membership, Organisation
from tests.accounts.browser import text_of
from tests.accounts.conftest import PASSWORD, commits
from tests.conftest import Isp
from tests.pages.conftest import signed_in as owner_at

__all__ = ["commits"]

pytestmark = pytest.mark.usefixtures("commits")


def test_every_model_that_points_at_a_person_is_told_of() -> None:
    people = {User, Subscriber, Service}
    pointing = {
        model._meta.label.lower()
        for model in apps.get_models(include_auto_created=True)
        for field in model._meta.concrete_fields
        if field.related_model in people
    }
    assert pointing - personal.known_labels() == set()
    assert len(pointing) > 20


@pytest.fixture
def clerk(acme: Isp, db: None) -> User:
    """Somebody of Acme's workspace, with something in many tables."""
    with schema_of(acme.workspace):
        user = User.objects.create_user("carla@acme.example", PASSWORD, name="Carla Clerk")
        Phone.objects.create(user=user, number="+4670123")
        SavedView.objects.create(user=user, list="x", name="Mine", query="q=1")
        Notification.objects.create(user=user, kind="account.new_browser", key="x", data={"a": 1})
        return user


def test_the_file_has_every_row_and_no_secret(clerk: User, acme: Isp) -> None:
    with schema_of(acme.workspace):
        said = json.dumps(user_data(clerk))
        for word in ("carla@acme.example", "Carla Clerk", "+4670123", "Mine"):
            assert word in said
        assert clerk.password not in said
        assert "lists.savedview" in json.loads(said)["rows"]


def test_a_person_is_erased_from_every_table(clerk: User, acme: Isp) -> None:
    with schema_of(acme.workspace):
        boss = User.objects.create_superuser("boss@acme.example")
        titles = [line.title for line in user_preview(clerk)]
        assert "people" in titles
        erase_user(clerk, actor=user_actor(boss))
        for model in (Phone, SavedView, Notification):
            assert not model.objects.exists()
        assert not User.objects.filter(email="carla@acme.example").exists()
        assert "carla" not in str(list(Event.objects.values())).lower()
        assert Event.objects.filter(type="user.erased", subject_id=str(clerk.uuid)).exists()
        with pytest.raises(ConflictError):
            erase_user(boss, actor=SYSTEM)


def test_what_others_need_stays_without_the_person(clerk: User, acme: Isp) -> None:
    with schema_of(acme.workspace):
        User.objects.create_superuser("boss@acme.example")
        User.objects.filter(pk=clerk.pk).update(is_superuser=True, is_staff=True)
        clerk.refresh_from_db()
        account = ServiceAccount.objects.create(name="CRM", role="viewer", created_by=clerk)
        erase_user(clerk, actor=SYSTEM)
        account.refresh_from_db()
        assert account.created_by is None


def test_the_page_shows_what_goes_and_asks_for_the_address(clerk: User, acme: Isp) -> None:
    owner = owner_at(acme.workspace_host, acme.workspace, "alice@acme.example")
    page = f"/admin/accounts/user/{clerk.pk}/personal/"
    assert "Saved views" in text_of(owner.get(page)) or "saved view" in text_of(owner.get(page))
    assert "This is somebody else" in text_of(owner.post(page, {"confirm": "alice@acme.example"}))
    file = owner.get(f"/admin/accounts/user/{clerk.pk}/personal.json")
    assert file["Content-Type"] == "application/json"
    owner.post(page, {"confirm": "carla@acme.example"})
    with schema_of(acme.workspace):
        assert not User.objects.filter(pk=clerk.pk).exists()
        assert Event.objects.filter(type="person.exported").count() == 1


def alice() -> Client:
    """Alice at the operator, who just proved who she is."""
    client = Client(headers={"host": settings.BASE_DOMAIN})
    client.post("/accounts/login/", {"login": "alice@example.net", "password": PASSWORD})
    client.post("/accounts/reauthenticate/", {"password": PASSWORD})
    return client


def test_an_owner_stays_until_it_is_handed_over(northwind: Organisation) -> None:
    browser = alice()
    assert "alice@example.net" in text_of(browser.get("/accounts/personal/"))
    answer = browser.post("/accounts/personal/", {"confirm": "alice@example.net"}, follow=True)
    assert "owns Northwind Fiber" in text_of(answer)
    with schema_of(PUBLIC):
        assert User.objects.filter(email="alice@example.net", is_active=True).exists()


def test_a_member_leaves_for_good(northwind: Organisation, person: Callable[[str], User]) -> None:
    bob = person("bob")
    with schema_of(PUBLIC):
        Membership.objects.create(organisation=northwind, user=bob.uuid, role="member")
    with schema_of("c_northwind"):
        User.objects.create_user("bob@example.net", identity=bob.uuid)
    browser = Client(headers={"host": settings.BASE_DOMAIN})
    browser.post("/accounts/login/", {"login": "bob@example.net", "password": PASSWORD})
    browser.post("/accounts/reauthenticate/", {"password": PASSWORD})
    said = json.loads(browser.get("/accounts/personal/data.json").content)
    assert said["rows"]["tenants.membership"][0]["role"] == "member"
    assert browser.post("/accounts/personal/", {"confirm": "bob@example.net"}).status_code == 302
    with schema_of(PUBLIC):
        assert not User.objects.filter(email="bob@example.net").exists()
        assert not Membership.objects.filter(user=bob.uuid).exists()
    with schema_of("c_northwind"):
        assert not User.objects.get(identity=bob.uuid).is_active
    assert browser.get("/accounts/personal/").status_code == 302


def test_elsewhere_people_take_their_file_and_ask_to_be_erased(clerk: User, acme: Isp) -> None:
    browser = Client(headers={"host": acme.workspace_host})
    with schema_of(acme.workspace):
        browser.force_login(clerk)
    assert "Ask them" in text_of(browser.get("/accounts/personal/"))
    assert browser.get("/accounts/personal/data.json").status_code == 200
    assert browser.post("/accounts/personal/", {"confirm": clerk.email}).status_code in (302, 404)
    with schema_of(acme.workspace):
        assert User.objects.filter(pk=clerk.pk).exists()
