"""What owners can leave to others: webhooks, brand, mail, messages, the sessions of people."""

import pytest
from django.core.cache import cache
from django.core.exceptions import PermissionDenied
from django.test import Client

from apps.accounts import api_keys, members, service_accounts
from apps.accounts.access import all_permissions, may
from apps.accounts.models import Membership, Role, User
from apps.branding.senders import SenderWords, save_sender
from apps.core.exceptions import DomainError
from apps.core.permissions import ADMIN
from apps.events import services as events
from apps.events.actors import SYSTEM
from apps.events.models import Event
from apps.notifications.models import Notification, Suppressed
from apps.tenancy.kinds import schema_of
from apps.webhooks.models import Endpoint
from apps.webhooks.reactions import SWITCHED_OFF
from dotmac.crypto.secret import Secret
from tests.accounts.browser import text_of
from tests.api.conftest import Program as Robot
from tests.conftest import Isp

PASSWORD = "pass-word-of-the-server"
HOOK = {"url": "https://crm.acme.example/dotmac", "types": []}


@pytest.fixture(autouse=True)
def _fresh_limits() -> None:
    cache.clear()


@pytest.fixture
def alice(acme: Isp, db: None) -> User:
    """Who owns Acme's workspace."""
    with schema_of(acme.workspace):
        return User.objects.create_superuser("alice@acme.example")


def person(isp: Isp, name: str, *permissions: str, role: str = "") -> User:
    """Somebody of the workspace with a built-in role, or one of these permissions."""
    with schema_of(isp.workspace):
        own = None if role else Role.objects.create(name=name, permissions=list(permissions))
        user = User.objects.create_user(f"{name}@acme.example", is_staff=True)
        Membership.objects.create(user=user, role=role, own_role=own)
        return user


def browser_of(user: User, isp: Isp) -> Client:
    client = Client(headers={"host": isp.workspace_host})
    with schema_of(isp.workspace):
        client.force_login(user)
    return client


def robot(isp: Isp, by: User, role: str, *scopes: str) -> Robot:
    """A program of the workspace with a key of these scopes."""
    with schema_of(isp.workspace):
        account = service_accounts.create_account(name=f"{role} {scopes}", role=role, by=by)
        _key, text = api_keys.create_key(account, name="r", scopes=scopes, by=by)
    return Robot(isp.workspace_host, text.reveal())


class TestWebhooks:
    def test_they_need_the_record_that_leaves_by_them(self, acme: Isp, alice: User) -> None:
        # As a row, since neither page nor service makes such a role.
        hugo = person(acme, "hugo", "webhooks.manage")
        both = person(acme, "both", "webhooks.manage", "record.view")
        with schema_of(acme.workspace):
            assert not may(hugo, "webhooks.manage")
            assert not may(hugo, "webhooks.add_endpoint")
            assert may(both, "webhooks.add_endpoint")
        page = "/admin/webhooks/endpoint/"
        assert browser_of(hugo, acme).get(f"{page}add/").status_code == 403
        form = {"url": HOOK["url"], "description": "CRM", "type_list": ""}
        assert browser_of(hugo, acme).post(f"{page}add/", form).status_code == 403
        assert "Secret of the webhook" in text_of(browser_of(both, acme).post(f"{page}add/", form))
        with schema_of(acme.workspace):
            assert Event.objects.get(type="webhook.created").actor_label == "both@acme.example"

    def test_a_key_of_webhooks_alone_reads_no_events_by_one(self, acme: Isp, alice: User) -> None:
        alone = robot(acme, alice, "owner", "webhooks.manage")
        assert alone.post("webhooks/", HOOK).status_code == 403
        assert alone.get("webhooks/").status_code == 403
        assert (
            robot(acme, alice, "viewer", "webhooks.manage", "record.view")
            .post("webhooks/", HOOK)
            .status_code
            == 403
        )
        whole = robot(acme, alice, "admin", "webhooks.manage", "record.view")
        made = whole.post("webhooks/", HOOK)
        assert made.status_code == 201
        hook = f"webhooks/{made.json()['id']}/"
        assert whole.post(f"{hook}pause/").status_code == 200
        for what in ("test/", "rotate/", "replay/"):
            assert alone.post(f"{hook}{what}", {"since": "2026-01-01T00:00:00Z"}).status_code == 403
        assert alone.patch(hook, {"url": "https://evil.example/"}).status_code == 403

    def test_a_role_that_lacks_what_it_needs_is_refused_at_its_field(
        self, acme: Isp, alice: User
    ) -> None:
        wanted = "“Manage webhooks, by which the record leaves” needs"
        form = {"name": "Hooks", "permissions": ["webhooks.manage"]}
        page = browser_of(alice, acme).post("/admin/accounts/role/add/", form)
        assert wanted in text_of(page)
        answer = robot(acme, alice, "admin", "*").post("roles/", form)
        assert answer.status_code in (400, 422), answer.content
        assert wanted in answer.content.decode()
        with schema_of(acme.workspace):
            role = Role.objects.create(name="Both", permissions=["record.view"])
        with schema_of(acme.workspace), pytest.raises(DomainError):
            members.change_role(role, name="Both", permissions=["webhooks.manage"], by=alice)

    def test_who_manages_them_is_told_of_one_that_is_off(self, acme: Isp, alice: User) -> None:
        both = person(acme, "both", "webhooks.manage", "record.view")
        person(acme, "hugo", "webhooks.manage")
        with schema_of(acme.workspace):
            endpoint = Endpoint.objects.create(url=HOOK["url"], secret="x")
            event = events.record(
                SWITCHED_OFF.key, actor=SYSTEM, subject=endpoint, data={"undelivered": 3}
            )
            for reaction in events._reactions_to(event):
                reaction(event)
            told = Notification.objects.filter(kind=SWITCHED_OFF.key)
            assert {one.user_id for one in told} == {alice.pk, both.pk}


class TestMailServer:
    @pytest.fixture
    def kept(self, acme: Isp, alice: User) -> None:
        """A server with a password."""
        words = SenderWords("a@acme.example", "", "mail.acme.example", 587, "starttls", "u", True)
        with schema_of(acme.workspace):
            save_sender(words, password=Secret(PASSWORD), version=0, actor=SYSTEM)

    def test_who_sets_it_up_sees_no_password_and_takes_it_nowhere(
        self, acme: Isp, kept: None
    ) -> None:
        mia = person(acme, "mia", "mail.manage")
        page, hers = "/admin/branding/sender/", browser_of(mia, acme)
        assert PASSWORD not in hers.get(page).content.decode()
        form = {
            "address": "a@acme.example",
            "host": "mail.evil.example",
            "port": 587,
            "security": "starttls",
            "username": "u",
            "is_on": "on",
            "version": 1,
        }
        refused = text_of(hers.post(page, form))
        assert "Enter the password that belongs to it." in refused
        assert hers.post(page, {**form, "host": "mail.acme.example"}).status_code == 302
        with schema_of(acme.workspace):
            said = str(list(Event.objects.values()))
            assert "sender.changed" in said
            assert PASSWORD not in said

    def test_it_is_the_owner_s_to_leave_to_somebody(self, acme: Isp, kept: None) -> None:
        # Links for new passwords go by it, an owner's too.
        ada = person(acme, "ada", role=ADMIN)
        assert browser_of(ada, acme).get("/admin/branding/sender/").status_code == 403
        with schema_of(acme.workspace), pytest.raises(PermissionDenied):
            members.create_role(name="Mail", permissions=["mail.manage"], by=ada)


class TestScopes:
    def test_reading_is_all_of_the_account_that_looks(self, acme: Isp, alice: User) -> None:
        reader = robot(acme, alice, "admin", "read")
        for what in ("webhooks/", "brand/", "messages/", "suppressions/", "people/"):
            assert reader.get(what).status_code == 200, what
        assert reader.get("sender/").status_code == 403
        for what in ("webhooks/", "suppressions/", "people/"):
            assert reader.post(what, HOOK).status_code == 403, what
        assert reader.patch("brand/", {"name": "Mine"}).status_code == 403

    def test_each_subject_has_scopes_of_its_own(self, acme: Isp, alice: User) -> None:
        painter = robot(acme, alice, "admin", "brand.change")
        assert painter.patch("brand/", {"name": "Hilltop"}).status_code == 200
        assert painter.get("messages/").status_code == 403
        keeper = robot(acme, alice, "admin", "suppressions.manage")
        made = keeper.post("suppressions/", {"address": "dora@example.com"})
        assert made.status_code == 201
        assert keeper.send("DELETE", f"suppressions/{made.json()['id']}/").status_code == 204
        looker = robot(acme, alice, "admin", "messages.view")
        assert looker.get("messages/").status_code == 200
        assert looker.post("suppressions/", {"address": "dora@example.com"}).status_code == 403
        with schema_of(acme.workspace):
            assert not Suppressed.objects.exists()


def test_what_only_owners_have_is_in_no_role(acme: Isp, alice: User) -> None:
    """Whoever holds all permissions still sets no policy and no identity provider."""
    everything = person(acme, "everything", *all_permissions())
    hers = browser_of(everything, acme)
    for page in ("accounts/signinpolicy/", "accounts/identityprovider/add/"):
        assert hers.get(f"/admin/{page}").status_code == 403, page
        assert browser_of(alice, acme).get(f"/admin/{page}").status_code == 200, page
    with schema_of(acme.workspace), pytest.raises(PermissionDenied):
        members.set_role(everything, "owner", by=everything)


class TestSessions:
    def test_who_manages_people_ends_them_by_page_and_program(self, acme: Isp, alice: User) -> None:
        ada, vic = person(acme, "ada", role=ADMIN), person(acme, "vic", role="viewer")
        hers, his = browser_of(ada, acme), browser_of(vic, acme)
        assert his.get("/admin/").status_code == 200
        assert "End sessions" in text_of(hers.get(f"/admin/accounts/user/{vic.pk}/change/"))
        hers.post(f"/admin/accounts/user/{vic.pk}/sessions/end/")
        assert his.get("/admin/").status_code == 302
        assert hers.get("/admin/").status_code == 200
        again = browser_of(vic, acme)
        assert again.get("/admin/").status_code == 200
        # A key is judged by what it holds itself.
        narrow = robot(acme, alice, "admin", "people.manage")
        assert narrow.post(f"people/{vic.uuid}/end-sessions/").status_code == 403
        program = robot(acme, alice, "admin", "*")
        assert program.post(f"people/{vic.uuid}/end-sessions/").status_code == 200
        assert again.get("/admin/").status_code == 302
        with schema_of(acme.workspace):
            found = Event.objects.filter(type="user.sessions_ended").order_by("id")
            assert [(one.actor_kind, one.subject_label) for one in found] == [
                ("user", "vic@acme.example"),
                ("service_account", "vic@acme.example"),
            ]

    def test_nobody_ends_those_of_somebody_above_or_without_the_right(
        self, acme: Isp, alice: User
    ) -> None:
        ada, vic = person(acme, "ada", role=ADMIN), person(acme, "vic", role="viewer")
        owner = browser_of(alice, acme)
        page = f"/admin/accounts/user/{alice.pk}/change/"
        assert "End sessions" not in text_of(browser_of(ada, acme).get(page))
        for one in (ada, vic):
            answer = browser_of(one, acme).post(f"/admin/accounts/user/{alice.pk}/sessions/end/")
            assert answer.status_code == 403
        program = robot(acme, alice, "admin", "*")
        assert program.post(f"people/{alice.uuid}/end-sessions/").status_code == 403
        viewer = robot(acme, alice, "viewer", "*")
        assert viewer.post(f"people/{vic.uuid}/end-sessions/").status_code == 403
        assert owner.get("/admin/").status_code == 200
        with schema_of(acme.workspace):
            assert not Event.objects.filter(type="user.sessions_ended").exists()
