"""Keys of programs: made in the admin, shown once, checked in constant time, revoked for good."""

import re
from datetime import timedelta

import pytest
import time_machine
from django.conf import settings
from django.test import Client
from django.utils import timezone

from apps.accounts.api_keys import end_key
from apps.accounts.models import ApiKey, Membership, ServiceAccount, User
from apps.accounts.services import create_user, deactivate_user
from apps.events.actors import SYSTEM
from apps.events.models import Event
from apps.tenancy.kinds import schema_of
from tests.accounts.browser import text_of
from tests.conftest import Isp
from tests.keys import key_like

API = "/api/v1/operations/"


def staff_of(isp: Isp, *, is_superuser: bool = True, email: str = "alice@example.net") -> User:
    """Somebody of an ISP's console."""
    with schema_of(isp.console):
        return create_user(
            email=email, is_staff=True, is_superuser=is_superuser, is_verified=True, actor=SYSTEM
        )


def key_of(isp: Isp) -> tuple[ApiKey, str]:
    """A key of an ISP's console, and its text."""
    user = staff_of(isp)
    with schema_of(isp.console):
        key, text = key_like(user, "billing")
    return key, text.reveal()


def call(isp: Isp, authorization: str | None, address: str = "127.0.0.1") -> int:
    """The status of a call of the console's API from an address."""
    headers = {"host": isp.console_host}
    if authorization is not None:
        headers["authorization"] = authorization
    return Client(headers=headers, REMOTE_ADDR=address).get(API).status_code


@pytest.mark.django_db
def test_a_key_opens_the_api_of_its_own_console_only(acme: Isp, initech: Isp) -> None:
    _key, text = key_of(acme)
    assert call(acme, f"Bearer {text}") == 200
    assert call(initech, f"Bearer {text}") == 401


@pytest.mark.django_db
def test_without_a_key_the_answer_names_the_scheme(acme: Isp) -> None:
    response = Client(headers={"host": acme.console_host}).get(API)
    assert response.status_code == 401
    assert response["WWW-Authenticate"].startswith("Bearer")


@pytest.mark.django_db
def test_a_wrong_secret_is_refused(acme: Isp) -> None:
    key, text = key_of(acme)
    wrong = [
        f"dm_{key.prefix}_wrong",
        f"dm_{key.prefix}_",
        f"dm_{key.prefix}",
        f"dm_000000000000_{text.rpartition('_')[2]}",
        text[:-1],
        text.upper(),
        f"xx{text[2:]}",
        key.digest,
        f"dm_{key.prefix}_{key.digest}",
        "",
        "dm_\x00_x",
        "é",
    ]
    for attempt in wrong:
        assert call(acme, f"Bearer {attempt}") == 401, attempt


@pytest.mark.django_db
def test_a_revoked_key_or_one_of_an_account_switched_off_is_refused(acme: Isp) -> None:
    key, text = key_of(acme)
    with schema_of(acme.console):
        ServiceAccount.objects.update(is_active=False)
    assert call(acme, f"Bearer {text}") == 401
    with schema_of(acme.console):
        ServiceAccount.objects.update(is_active=True)
        end_key(key, actor=SYSTEM)
        end_key(key, actor=SYSTEM)
        assert Event.objects.filter(type="api_key.revoked").count() == 1
    assert call(acme, f"Bearer {text}") == 401


@pytest.mark.django_db
def test_a_key_goes_on_when_its_maker_leaves(acme: Isp) -> None:
    _key, text = key_of(acme)
    staff_of(acme, email="bert@example.net")
    with schema_of(acme.console):
        deactivate_user(User.objects.get(email="alice@example.net"), actor=SYSTEM)
    assert call(acme, f"Bearer {text}") == 200
    with schema_of(acme.console):
        bert = User.objects.get(email="bert@example.net")
    listed = text_of(admin_of(acme, bert).get("/admin/accounts/serviceaccount/"))
    assert "alice@example.net, who left" in listed


@pytest.mark.django_db
def test_last_use_is_noted_each_ten_minutes_and_from_elsewhere_after_one(acme: Isp) -> None:
    key, text = key_of(acme)
    start = timezone.now()

    def used_at(seconds: int, address: str = "127.0.0.1") -> float:
        with time_machine.travel(start + timedelta(seconds=seconds), tick=False):
            assert call(acme, f"Bearer {text}", address) == 200
        with schema_of(acme.console):
            key.refresh_from_db()
        assert key.last_used_at is not None
        return (key.last_used_at - start).total_seconds()

    assert [used_at(second) for second in (0, 59, 61, 599, 601, 700)] == [0, 0, 0, 0, 601, 601]
    elsewhere = [used_at(second, "203.0.113.7") for second in (630, 662, 700, 1300)]
    assert elsewhere == [601, 662, 662, 1300]
    assert key.last_used_ip == "203.0.113.7"


@pytest.mark.django_db
def test_the_text_of_a_key_is_kept_nowhere(acme: Isp) -> None:
    key, text = key_of(acme)
    secret = text.split("_", 2)[2]
    with schema_of(acme.console):
        kept = str(list(ApiKey.objects.values())) + str(list(Event.objects.values()))
    assert secret not in kept
    assert secret not in repr(key)


def admin_of(isp: Isp, user: User) -> Client:
    """Somebody signed in at a console's admin."""
    client = Client(headers={"host": isp.console_host})
    with schema_of(isp.console):
        client.force_login(user, backend=settings.AUTHENTICATION_BACKENDS[0])
    return client


@pytest.mark.django_db
def test_the_admin_makes_a_key_shows_it_once_and_revokes_it(acme: Isp) -> None:
    client = admin_of(acme, staff_of(acme))
    account = {"name": "Monitoring", "description": "Watches instances", "role": "viewer"}
    page = client.post("/admin/accounts/serviceaccount/add/", account, follow=True)
    assert "Now give it a key" in text_of(page)
    with schema_of(acme.console):
        pk = ServiceAccount.objects.get(name="Monitoring").pk
    asked = {"account": pk, "name": "Monitoring", "ends": "90", "wide": "*"}
    page = client.post("/admin/accounts/apikey/add/", asked)
    found = re.search(r"dm_[0-9a-f]{12}_[\w-]{43}", page.content.decode())
    assert found, text_of(page)
    assert "no-store" in page["Cache-Control"]
    assert call(acme, f"Bearer {found[0]}") == 200
    with schema_of(acme.console):
        key = ApiKey.objects.get()
    for path in ("", f"{key.pk}/change/"):
        shown = text_of(client.get(f"/admin/accounts/apikey/{path}"))
        assert "Monitoring" in shown
        assert found[0] not in shown
        assert key.digest not in shown
    client.post("/admin/accounts/apikey/", {"action": "revoke", "_selected_action": [key.pk]})
    assert call(acme, f"Bearer {found[0]}") == 401
    assert client.post(f"/admin/accounts/apikey/{key.pk}/delete/").status_code == 403


@pytest.mark.django_db
def test_people_are_searched_and_switched_off_in_the_admin(acme: Isp) -> None:
    alice = staff_of(acme)
    client = admin_of(acme, alice)
    client.post("/admin/accounts/user/add/", {"email": "Eve@Example.net", "role": "viewer"})
    with schema_of(acme.console):
        eve = User.objects.get(email="eve@example.net")
    listing = text_of(client.get("/admin/accounts/user/?q=eve"))
    assert "eve@example.net" in listing
    assert ">alice@example.net</a>" not in listing
    switch = {"action": "deactivate", "_selected_action": [eve.pk, alice.pk]}
    page = text_of(client.post("/admin/accounts/user/", switch, follow=True))
    assert "is the only active person here who may do everything" in page
    with schema_of(acme.console):
        assert list(User.objects.filter(is_active=True)) == [alice]
        assert Event.objects.filter(type="user.deactivated").count() == 1
    change = {"name": "Eve", "role": "support"}
    client.post(f"/admin/accounts/user/{eve.pk}/change/", change)
    with schema_of(acme.console):
        eve.refresh_from_db()
        assert (eve.name, eve.is_staff, eve.membership.role) == ("Eve", True, "support")


@pytest.mark.django_db
def test_staff_without_all_rights_cannot_give_themselves_any(acme: Isp) -> None:
    with schema_of(acme.console):
        eve = staff_of(acme, is_superuser=False, email="eve@example.net")
        Membership.objects.create(user=eve, role="admin")
    client = admin_of(acme, eve)
    path = f"/admin/accounts/user/{eve.pk}/change/"
    page = client.post(path, {"name": "Eve", "role": "owner", "is_superuser": "on"})
    assert "owner is not one of the available choices" in text_of(page)
    with schema_of(acme.console):
        eve.refresh_from_db()
        assert (eve.is_superuser, eve.membership.role) == (False, "admin")


@pytest.mark.django_db
def test_the_last_who_may_do_everything_keeps_that_right(acme: Isp) -> None:
    alice = staff_of(acme)
    client = admin_of(acme, alice)
    page = client.post(
        f"/admin/accounts/user/{alice.pk}/change/", {"name": "A", "role": "viewer"}, follow=True
    )
    assert "is the only active person here" in text_of(page)
    with schema_of(acme.console):
        alice.refresh_from_db()
        assert alice.is_superuser
