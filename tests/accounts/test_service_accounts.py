"""Service accounts: what their keys may, who may make them, how they end."""

import json
from collections.abc import Callable
from datetime import timedelta

import pytest
import time_machine
from django.conf import settings
from django.core.cache import cache
from django.core.exceptions import PermissionDenied
from django.test import Client
from django.utils import timezone

from apps.accounts import api_keys, constants, invitations, members, service_accounts
from apps.accounts.access import may
from apps.accounts.models import ApiKey, Invitation, Membership, ServiceAccount, User
from apps.accounts.programs import Program, program_of
from apps.accounts.services import create_user, deactivate_user
from apps.core.exceptions import ConflictError, DomainError
from apps.events.actors import SYSTEM
from apps.events.models import Event
from apps.notifications.models import Notification
from apps.tenancy.kinds import schema_of
from apps.work.models import Due
from tests.accounts.browser import text_of
from tests.api.conftest import Program as Robot
from tests.conftest import Isp
from tests.notifications.conftest import show_events


@pytest.fixture(autouse=True)
def _fresh_limits() -> None:
    cache.clear()


def person(isp: Isp, role: str, email: str) -> User:
    """Somebody of the workspace's staff."""
    with schema_of(isp.workspace):
        owner = role == "owner"
        user = User.objects.create_user(email, is_staff=True, is_superuser=owner)
        if not owner:
            Membership.objects.create(user=user, role=role)
        return user


@pytest.fixture
def alice(acme: Isp, db: None) -> User:
    """Who owns Acme."""
    return person(acme, "owner", "alice@acme.example")


@pytest.fixture
def tess(acme: Isp, db: None) -> User:
    """A technician of Acme, who may make keys."""
    return person(acme, "technician", "tess@acme.example")


def robot(isp: Isp, by: User, role: str, *scopes: str, days: int | None = 90) -> Robot:
    """A program of the workspace with a key of these scopes."""
    with schema_of(isp.workspace):
        account = service_accounts.create_account(name=f"{role} {scopes}", role=role, by=by)
        _key, text = api_keys.create_key(account, name="r", scopes=scopes, days=days, by=by)
    return Robot(isp.workspace_host, text.reveal())


class TestScopes:
    def test_the_full_scope_is_all_of_the_account(self, acme: Isp, alice: User) -> None:
        support = robot(acme, alice, "support", "*")
        assert support.post("subscribers/", {"name": "Dora"}).status_code == 201
        assert support.get("people/").status_code == 403

    def test_reading_changes_nothing(self, acme: Isp, alice: User) -> None:
        reader = robot(acme, alice, "owner", "read")
        for what in ("subscribers/", "people/", "webhooks/", "brand/", "events/", "plans/"):
            assert reader.get(what).status_code == 200, what
        for what in ("subscribers/", "people/", "webhooks/", "service-accounts/", "api-keys/"):
            assert reader.post(what, {"name": "Dora"}).status_code == 403, what
        assert reader.patch("brand/", {"name": "Mine"}).status_code == 403

    def test_ticked_permissions_are_all_it_has(self, acme: Isp, alice: User) -> None:
        seller = robot(acme, alice, "owner", "plans.view", "subscribers.*")
        assert seller.get("plans/").status_code == 200
        assert seller.post("plans/", {"key": "a", "name": "A"}).status_code == 403
        assert seller.post("subscribers/", {"name": "Dora"}).status_code == 201
        assert seller.get("webhooks/").status_code == 403
        assert seller.get("me/").json()["scopes"] == ["plans.view", "subscribers.*"]

    def test_a_scope_gives_nothing_that_the_account_lacks(self, acme: Isp, alice: User) -> None:
        viewer = robot(acme, alice, "viewer", "subscribers.change", "people.manage")
        assert viewer.post("subscribers/", {"name": "Dora"}).status_code == 403
        assert viewer.get("people/").status_code == 403

    def test_it_is_nobody_s_subscriber(self, acme: Isp, alice: User) -> None:
        # A person and an account may have one number; the person's own rows stay the person's.
        program = Program(ServiceAccount(pk=alice.pk, role="viewer"), ("plans.view",))
        assert program.pk is None
        with schema_of(acme.workspace):
            assert not may(program, "subscribers.view_subscriber")

    def test_a_senseless_scope_is_named(self, acme: Isp, alice: User) -> None:
        with schema_of(acme.workspace):
            account = service_accounts.create_account(name="CRM", role="viewer", by=alice)
            for scopes in (["everything"], ["nothing.*"], []):
                with pytest.raises(DomainError) as refused:
                    api_keys.create_key(account, name="x", scopes=scopes, by=alice)
                assert refused.value.field == "scopes"


class TestWhoMakesThem:
    def test_nobody_makes_one_that_may_more(self, acme: Isp, alice: User, tess: User) -> None:
        with schema_of(acme.workspace):
            for role in ("owner", "admin", "support"):
                with pytest.raises(PermissionDenied):
                    service_accounts.create_account(name=role, role=role, by=tess)
            boss = service_accounts.create_account(name="Boss", role="admin", by=alice)
            with pytest.raises(PermissionDenied):
                api_keys.create_key(boss, name="x", by=tess)
            with pytest.raises(PermissionDenied):
                service_accounts.switch_account(boss, False, by=tess)
            key, _text = api_keys.create_key(boss, name="x", by=alice)
            for act in (api_keys.rotate_key, api_keys.revoke_key):
                with pytest.raises(PermissionDenied):
                    act(key, by=tess)
            assert service_accounts.accounts_of(tess).count() == 0

    def test_the_pages_show_only_what_one_may_touch(
        self, acme: Isp, alice: User, tess: User
    ) -> None:
        with schema_of(acme.workspace):
            boss = service_accounts.create_account(name="Boss", role="admin", by=alice)
            key, _text = api_keys.create_key(boss, name="Boss key", by=alice)
            client = Client(headers={"host": acme.workspace_host})
            client.force_login(tess, backend=settings.AUTHENTICATION_BACKENDS[0])
        for what in ("serviceaccount", "apikey"):
            page = text_of(client.get(f"/admin/accounts/{what}/"))
            assert "Boss" not in page, page[max(0, page.index("Boss") - 300) :][:500]
        assert client.post(f"/admin/accounts/apikey/{key.pk}/rotate/").status_code == 404
        page = client.get("/admin/accounts/serviceaccount/add/")
        assert "Technician" in text_of(page)
        assert ">Admin<" not in page.content.decode()

    def test_a_key_mints_none_above_itself(self, acme: Isp, alice: User) -> None:
        maker = robot(acme, alice, "admin", "keys.use", "subscribers.view", "operations.view")
        me = maker.get("me/").json()["id"]

        def mint(*scopes: str) -> int:
            asked = {"account": me, "name": "x", "scopes": list(scopes)}
            return maker.post("api-keys/", asked).status_code

        assert mint("*") == 403
        assert mint("subscribers.change") == 403
        assert mint("read") == 403
        assert mint("subscribers.view") == 201
        assert maker.post("service-accounts/", {"name": "x", "role": "admin"}).status_code == 403
        assert maker.post("service-accounts/", {"name": "x", "role": "owner"}).status_code == 403
        assert maker.patch(f"service-accounts/{me}/", {"role": "owner"}).status_code == 403

    def test_an_invitation_by_a_program_is_judged_by_its_role(self, acme: Isp, alice: User) -> None:
        admin = robot(acme, alice, "admin", "*")
        invited = admin.post("invitations/", {"email": "Emil@acme.example", "role": "viewer"})
        assert (invited.status_code, invited.json()["state"]) == (201, "open")
        assert invited.json()["invited_by"].startswith("admin")
        assert (
            admin.post("invitations/", {"email": "a@b.example", "role": "owner"}).status_code == 400
        )
        with schema_of(acme.workspace):
            assert Invitation.objects.get().invited_by is None
        ended = admin.post(f"invitations/{invited.json()['id']}/revoke/")
        assert ended.json()["state"] == "revoked"

    def test_what_its_key_could_not_give_is_not_given_later(self, acme: Isp, alice: User) -> None:
        narrow = robot(acme, alice, "admin", "people.*", "subscribers.view")
        with schema_of(acme.workspace):
            seen = members.create_role(name="Desk", permissions=["subscribers.view"], by=alice)
            account = ServiceAccount.objects.get()
        asked = {"email": "emil@acme.example", "role": str(seen.uuid)}
        assert narrow.post("invitations/", asked).status_code == 201
        with schema_of(acme.workspace):
            # The account holds that too; the key that invited does not.
            more = ["subscribers.view", "record.view"]
            members.change_role(seen, name="Desk", permissions=more, by=alice)
            assert members.is_given(Program(account), str(seen.uuid))
            emil = create_user(email="emil@acme.example", is_verified=True, actor=SYSTEM)
            invitation = Invitation.objects.get()
            with pytest.raises(ConflictError, match="may not give this role any more"):
                invitations.accept(invitation, emil)
            assert not User.objects.get(pk=emil.pk).is_staff
            members.change_role(seen, name="Desk", permissions=more[:1], by=alice)
            invitations.accept(Invitation.objects.get(), emil)
            assert User.objects.get(pk=emil.pk).membership.own_role == seen


class TestOverTheApi:
    def test_the_secret_is_shown_once(self, acme: Isp, alice: User) -> None:
        owner = robot(acme, alice, "owner", "*")
        made = owner.post(
            "service-accounts/",
            {"name": "CRM", "role": "support", "external_id": "crm", "metadata": {"team": "sales"}},
        )
        assert (made.status_code, made.json()["metadata"]) == (201, {"team": "sales"})
        asked = {"account": made.json()["id"], "name": "CRM", "scopes": ["subscribers.*"]}
        once = {"idempotency-key": "crm-key"}
        key, again = (owner.post("api-keys/", asked, once) for _turn in range(2))
        assert key.json()["key"].startswith("dm_")
        assert again.json()["key"] is None
        assert again.headers["Idempotent-Omitted"] == "key"
        assert again.json()["id"] == key.json()["id"]
        shown = owner.get(f"api-keys/{key.json()['id']}/")
        assert key.json()["key"] not in shown.content.decode()
        crm = Robot(acme.workspace_host, key.json()["key"])
        assert crm.post("subscribers/", {"name": "Dora"}).status_code == 201
        with schema_of(acme.workspace):
            event = Event.objects.get(type="subscriber.created")
        assert (event.actor_kind, event.actor_label) == ("service_account", "CRM")

    def test_the_old_key_lives_for_the_overlap(self, acme: Isp, alice: User) -> None:
        owner = robot(acme, alice, "owner", "*")
        account = owner.post("service-accounts/", {"name": "CRM", "role": "viewer"}).json()["id"]
        asked = {"account": account, "name": "CRM", "scopes": ["*"], "expires_in_days": None}
        old = owner.post("api-keys/", asked).json()
        assert old["expires_at"] is None
        new = owner.post(f"api-keys/{old['id']}/rotate/", {"overlap_hours": 2}).json()
        both = [Robot(acme.workspace_host, one["key"]) for one in (old, new)]
        assert [one.get("me/").status_code for one in both] == [200, 200]
        with time_machine.travel(timezone.now() + timedelta(hours=2, seconds=1), tick=False):
            assert [one.get("me/").status_code for one in both] == [401, 200]
        assert owner.post(f"api-keys/{old['id']}/rotate/").status_code == 409
        assert owner.post(f"api-keys/{new['id']}/revoke/").json()["is_usable"] is False
        assert both[1].get("me/").status_code == 401

    def test_there_are_only_so_many(
        self, acme: Isp, alice: User, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        for name, most in (("MOST_ACCOUNTS", 2), ("MOST_KEYS", 2), ("MOST_KEYS_ROTATING", 3)):
            monkeypatch.setattr(constants, name, most)
        owner = robot(acme, alice, "owner", "*")
        asked = {"name": "CRM", "role": "viewer"}
        account = owner.post("service-accounts/", asked).json()["id"]
        refused = owner.post("service-accounts/", {"name": "ERP", "role": "viewer"})
        assert refused.status_code == 409
        assert "There are 2 service accounts" in refused.json()["detail"]
        key = {"account": account, "name": "CRM", "scopes": ["*"]}
        first, second = (owner.post("api-keys/", key).json()["id"] for _turn in range(2))
        refused = owner.post("api-keys/", key)
        assert refused.status_code == 409
        assert "“CRM” has 2 valid keys" in refused.json()["detail"]
        # One can still be replaced, though not again and again.
        third = owner.post(f"api-keys/{first}/rotate/").json()["id"]
        assert owner.post(f"api-keys/{third}/rotate/").status_code == 409
        for one in (first, second):
            owner.post(f"api-keys/{one}/revoke/")
        assert owner.post("api-keys/", key).status_code == 201

    def test_initech_sees_none_of_it(self, acme: Isp, initech: Isp, alice: User) -> None:
        owner = robot(acme, alice, "owner", "*")
        account = owner.get("me/").json()["id"]
        key = owner.get("api-keys/").json()["results"][0]["id"]
        bob = robot(initech, person(initech, "owner", "bob@initech.example"), "owner", "*")
        for path in (f"service-accounts/{account}/", f"api-keys/{key}/"):
            assert owner.get(path).status_code == 200
            assert bob.get(path).status_code == 404
        for step in (
            f"service-accounts/{account}/deactivate/",
            f"api-keys/{key}/rotate/",
            f"api-keys/{key}/revoke/",
        ):
            assert bob.post(step).status_code == 404

    def test_one_switched_off_is_refused_at_once(self, acme: Isp, alice: User) -> None:
        owner, other = robot(acme, alice, "owner", "*"), robot(acme, alice, "viewer", "*")
        there = f"service-accounts/{other.get('me/').json()['id']}/"
        assert owner.post(f"{there}deactivate/").json()["is_active"] is False
        assert other.get("me/").status_code == 401
        owner.post(f"{there}activate/")
        assert other.get("me/").status_code == 200

    def test_the_address_of_its_last_use_is_kept(self, acme: Isp, alice: User) -> None:
        owner = robot(acme, alice, "owner", "*")
        (key,) = owner.get("api-keys/").json()["results"]
        assert key["last_used_at"]
        assert key["last_used_ip"] == "127.0.0.1"


class TestItsEnd:
    def test_owners_are_told_twice_before_it_ends(
        self, acme: Isp, alice: User, run_due: Callable[[], list[str]]
    ) -> None:
        with schema_of(acme.workspace):
            account = service_accounts.create_account(name="CRM", role="viewer", by=alice)
            api_keys.create_key(account, name="Sync", by=alice, days=90)
            due = list(Due.objects.filter(kind=api_keys.KIND).values_list("due_at", flat=True))
            ahead = sorted(round((at - timezone.now()).total_seconds() / 86400) for at in due)
            assert ahead == [76, 87]
            with time_machine.travel(timezone.now() + timedelta(days=76), tick=True):
                Due.objects.filter(kind=api_keys.KIND).update(
                    due_at=timezone.now() - timedelta(days=77)
                )
                run_due()
        show_events(acme.workspace)
        with schema_of(acme.workspace):
            told = Notification.objects.filter(user=alice, kind="api_key.ends")
            assert told.first().heading.startswith("The key Sync of CRM ends on")  # type: ignore[union-attr]

    def test_one_that_was_replaced_is_not_told_of(
        self, acme: Isp, alice: User, run_due: Callable[[], list[str]]
    ) -> None:
        with schema_of(acme.workspace):
            account = service_accounts.create_account(name="CRM", role="viewer", by=alice)
            key, _text = api_keys.create_key(account, name="Sync", by=alice)
            api_keys.rotate_key(key, by=alice, days=None)
            Due.objects.filter(kind=api_keys.KIND).update(due_at=timezone.now() - timedelta(days=1))
            run_due()
            assert not Event.objects.filter(type="api_key.expires_soon").exists()
            with pytest.raises(ConflictError):
                api_keys.rotate_key(key, by=alice)

    def test_owners_are_told_which_keys_outlive_their_maker(
        self, acme: Isp, alice: User, tess: User
    ) -> None:
        with schema_of(acme.workspace):
            account = service_accounts.create_account(name="Probe", role="viewer", by=tess)
            api_keys.create_key(account, name="x", by=tess)
            deactivate_user(tess, actor=SYSTEM)
        show_events(acme.workspace)
        with schema_of(acme.workspace):
            (told,) = Notification.objects.filter(kind="api_key.maker_left")
            assert (told.user, "Probe" in told.body) == (alice, True)
            assert may(program_of(ApiKey.objects.get()), "subscribers.view")


def test_the_pages_make_replace_and_switch_off(acme: Isp, alice: User) -> None:
    client = Client(headers={"host": acme.workspace_host})
    with schema_of(acme.workspace):
        client.force_login(alice, backend=settings.AUTHENTICATION_BACKENDS[0])
        account = service_accounts.create_account(name="CRM", role="support", by=alice)
    asked = {"account": account.pk, "name": "Sync", "ends": "0", "wide": ""}
    assert "Choose what the key may do" in text_of(
        client.post("/admin/accounts/apikey/add/", asked)
    )
    page = client.post("/admin/accounts/apikey/add/", {**asked, "ticked": ["subscribers.view"]})
    assert "dm_" in page.content.decode()
    with schema_of(acme.workspace):
        key = ApiKey.objects.get()
    assert (key.expires_at, key.scopes) == (None, ["subscribers.view"])
    there = f"/admin/accounts/apikey/{key.pk}"
    assert "Replace this key" in text_of(client.get(f"{there}/change/"))
    replaced = client.post(f"{there}/rotate/", {"overlap": "24", "ends": "365"})
    assert "no-store" in replaced["Cache-Control"]
    assert "Replace this key" not in text_of(client.get(f"{there}/change/"))
    off = {"action": "switch_off", "_selected_action": [account.pk]}
    client.post("/admin/accounts/serviceaccount/", off)
    taken = {"name": "CRM", "role": "viewer"}
    page = client.post("/admin/accounts/serviceaccount/add/", taken)
    assert "Take another name" in text_of(page)
    with schema_of(acme.workspace):
        account.refresh_from_db()
        assert not account.is_active
        data = json.dumps(list(Event.objects.values_list("data", flat=True)))
    assert key.digest not in data


def test_nobody_notes_at_people_above_them(acme: Isp, alice: User, tess: User) -> None:
    admin = robot(acme, alice, "admin", "*")
    labels = {"external_id": "crm-1"}
    assert admin.patch(f"people/{alice.uuid}/", labels).status_code == 403
    assert admin.patch(f"people/{tess.uuid}/", labels).json()["external_id"] == "crm-1"
