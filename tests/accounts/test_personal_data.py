"""One person's data: given out as a file, and erased; what points at a person is all told of."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.apps import apps
from django.conf import settings
from django.test import Client

from apps.accounts.models import ServiceAccount, User
from apps.accounts.personal import erase_user, parts_of, user_data, user_preview
from apps.accounts.personal_kinds import long_work
from apps.core import personal
from apps.core.exceptions import ConflictError
from apps.core.personal import USER
from apps.events.actors import SYSTEM, user_actor
from apps.events.models import Event
from apps.lists.models import SavedView
from apps.notifications.models import Notification, Phone
from apps.operations import services as operations
from apps.operations.exceptions import BusyError, StepError
from apps.subscribers.models import Service, Subscriber
from apps.tenancy.kinds import PUBLIC, schema_of
from apps.tenants.models import Membership, Organisation
from apps.transfers.people import steps
from tests.accounts.browser import text_of
from tests.accounts.conftest import PASSWORD, commits
from tests.conftest import Isp
from tests.keys import key_like
from tests.pages.conftest import signed_in as owner_at
from tests.tenants.erasable import rows_that_say

__all__ = ["commits"]

pytestmark = pytest.mark.usefixtures("commits")


@pytest.fixture(autouse=True)
def _files(tmp_path: Path, settings: Any) -> None:
    settings.MEDIA_ROOT = tmp_path / "media"


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


def test_the_page_shows_what_goes_and_asks_for_the_address(
    clerk: User, acme: Isp, run_due: Callable[[], object]
) -> None:
    owner = owner_at(acme.workspace_host, acme.workspace, "alice@acme.example")
    page = f"/admin/accounts/user/{clerk.pk}/personal/"
    assert "Saved views" in text_of(owner.get(page)) or "saved view" in text_of(owner.get(page))
    assert "This is somebody else" in text_of(owner.post(page, {"confirm": "alice@acme.example"}))
    address = f"/admin/accounts/user/{clerk.pk}/personal.json"
    assert "Export the data first" in text_of(owner.get(address, follow=True))
    shown = owner.post(address, follow=True)
    assert "Export personal data of" in text_of(shown)
    run_due()
    followed = text_of(owner.get(shown.redirect_chain[-1][0]))
    assert "Download the file" in followed
    assert "kinds of rows" in followed
    file = owner.get(address)
    assert file["Content-Type"] == "application/json"
    assert "+4670123" in file.getvalue().decode()
    kept = list((settings.MEDIA_ROOT / acme.workspace / "people").iterdir())
    assert [one.stat().st_mode & 0o777 for one in kept] == [0o600]
    owner.post(page, {"confirm": "carla@acme.example"})
    with schema_of(acme.workspace):
        assert not User.objects.get(pk=clerk.pk).is_active
    run_due()
    with schema_of(acme.workspace):
        assert not User.objects.filter(pk=clerk.pk).exists()
        assert Event.objects.filter(type="user.erased", subject_id=str(clerk.uuid)).count() == 1
    assert not any(one.exists() for one in kept)
    assert rows_that_say(["carla@acme.example", "Carla Clerk", "+4670123"]) == {}


def test_what_is_cut_off_goes_on_and_what_cannot_be_begun_is_not(
    clerk: User, acme: Isp, run_due: Callable[[], object], monkeypatch: pytest.MonkeyPatch
) -> None:
    tries = []

    def cut_off(of: str, person: User) -> list[Callable[[], int]]:
        parts = parts_of(of, person)
        tries.append(len(parts))
        if len(tries) == 1:
            parts[-2:] = [_away]
        return parts

    monkeypatch.setattr(steps, "parts_of", cut_off)
    with schema_of(acme.workspace):
        work = long_work()
        boss = User.objects.create_superuser("boss@acme.example")
        with pytest.raises(ConflictError):
            work.erase(USER, boss, actor=SYSTEM)
        assert User.objects.get(pk=boss.pk).is_active
        begun = work.erase(USER, clerk, actor=user_actor(boss))
        with pytest.raises(BusyError):
            work.export(USER, clerk, actor=SYSTEM)
    run_due()
    with schema_of(acme.workspace):
        assert User.objects.filter(pk=clerk.pk).exists()
        begun.refresh_from_db()
        assert begun.status == "failed"
        again = operations.retry(begun, actor=user_actor(boss))
    run_due()
    with schema_of(acme.workspace):
        again.refresh_from_db()
        assert (again.status, again.steps.last().percent) == ("succeeded", 100)
        assert not User.objects.filter(pk=clerk.pk).exists()


def _away() -> int:
    raise StepError("The disk is full.")


def test_programs_begin_it_follow_it_and_take_the_file(
    clerk: User, acme: Isp, initech: Isp, run_due: Callable[[], object]
) -> None:
    with schema_of(acme.workspace):
        key = key_like(User.objects.create_superuser("alice@acme.example"))[1].reveal()
    program = Client(headers={"host": acme.workspace_host, "authorization": f"Bearer {key}"})
    url = f"/api/v1/people/{clerk.uuid}/"
    assert program.get(f"{url}personal-data/").status_code == 404
    begun = program.post(f"{url}personal-data/")
    assert (begun.status_code, begun.json()["name"]) == (202, "people.export")
    run_due()
    followed = program.get(f"/api/v1/operations/{begun.json()['id']}/").json()
    assert (followed["status"], followed["steps"][0]["percent"]) == ("succeeded", 100)
    said = program.get(f"{url}personal-data/").json()
    assert said["rows"]["accounts.user"][0]["email"] == clerk.email
    with schema_of(initech.workspace):
        key = key_like(User.objects.create_superuser("bob@initech.example"))[1].reveal()
    other = Client(headers={"host": initech.workspace_host, "authorization": f"Bearer {key}"})
    assert other.get(f"{url}personal-data/").status_code == 404
    body = {"confirm": clerk.email}
    assert program.post(f"{url}erase/", body, content_type="application/json").status_code == 202


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


def test_a_member_leaves_for_good(
    northwind: Organisation, person: Callable[[str], User], run_due: Callable[[], object]
) -> None:
    bob = person("bob")
    with schema_of(PUBLIC):
        Membership.objects.create(organisation=northwind, user=bob.uuid, role="member")
    with schema_of("c_northwind"):
        User.objects.create_user("bob@example.net", identity=bob.uuid)
    browser = Client(headers={"host": settings.BASE_DOMAIN})
    browser.post("/accounts/login/", {"login": "bob@example.net", "password": PASSWORD})
    browser.post("/accounts/reauthenticate/", {"password": PASSWORD})
    said = own_file(browser, run_due)
    assert said["rows"]["tenants.membership"][0]["role"] == "member"
    assert browser.post("/accounts/personal/", {"confirm": "bob@example.net"}).status_code == 302
    assert browser.get("/accounts/personal/").status_code == 302
    run_due()
    with schema_of(PUBLIC):
        assert not User.objects.filter(email="bob@example.net").exists()
        assert not Membership.objects.filter(user=bob.uuid).exists()
    with schema_of("c_northwind"):
        assert not User.objects.get(identity=bob.uuid).is_active
    # The console's own account of theirs stays, switched off.
    assert not [place for place in rows_that_say(["bob@example.net"]) if "public" in place]


def own_file(browser: Client, run_due: Callable[[], object]) -> dict[str, Any]:
    """Somebody's own data, whose writing they follow on their page."""
    page, address = "/accounts/personal/", "/accounts/personal/data.json"
    assert browser.get("/accounts/personal/steps/").status_code == 404
    assert "Starts in a moment" in text_of(browser.post(address, follow=True))
    assert "/accounts/personal/steps/" in browser.get(page).text
    run_due()
    followed = browser.get("/accounts/personal/steps/").text
    assert address in followed
    assert "/admin/" not in followed
    return dict(json.loads(browser.get(address).getvalue()))


def test_elsewhere_people_take_their_file_and_ask_to_be_erased(
    clerk: User, acme: Isp, run_due: Callable[[], object]
) -> None:
    browser = Client(headers={"host": acme.workspace_host})
    with schema_of(acme.workspace):
        browser.force_login(clerk)
    assert "Ask them" in text_of(browser.get("/accounts/personal/"))
    assert "accounts.user" in own_file(browser, run_due)["rows"]
    assert browser.post("/accounts/personal/", {"confirm": clerk.email}).status_code in (302, 404)
    with schema_of(acme.workspace):
        assert User.objects.filter(pk=clerk.pk).exists()
