"""What a workspace may do lies in the newest grant that the platform signed for it."""

from collections.abc import Callable
from datetime import timedelta

import pytest
import time_machine
from django.test import Client
from django.utils import timezone

from apps.accounts.models import User
from apps.contract import services as contract
from apps.contract.exceptions import GrantRefusedError
from apps.contract.models import HeldGrant
from apps.events.actors import SYSTEM
from apps.events.models import Event
from apps.subscribers import services as subscribers
from apps.tenancy.kinds import schema_of
from apps.tenants.models import Organisation
from dotmac.crypto.contracts import open_usage_report
from dotmac.crypto.keys import SigningKey
from tests.conftest import Isp
from tests.contract.conftest import grant_of, signed
from tests.instances.world import adopt
from tests.keys import key_like

DAY = timedelta(days=1)


@pytest.fixture
def workspace(customer: Organisation) -> object:
    """Inside Acme's workspace."""
    assert customer.workspace is not None
    with schema_of(customer.workspace.schema_name):
        yield customer.workspace


def accept(text: str, customer: Organisation) -> HeldGrant:
    assert customer.workspace is not None
    with schema_of(customer.workspace.schema_name):
        return contract.accept(text, tenant=customer.workspace.uuid)


def is_read_only(customer: Organisation) -> bool:
    assert customer.workspace is not None
    with schema_of(customer.workspace.schema_name):
        return contract.is_read_only()


def test_a_grant_is_held(
    customer: Organisation, token: Callable[..., str], workspace: object
) -> None:
    accept(token(1, mode="read_only"), customer)
    held = contract.held_grant()
    assert (held.serial, held.mode, held.limits) == (1, "read_only", {"max_subscribers": 100})
    assert held.hostnames == ["acme.apps.localhost"]
    event = Event.objects.get(type="grant.accepted")
    assert (event.actor_label, event.data["mode"]) == ("DotMac", "read_only")


def test_the_same_grant_again_changes_nothing(
    customer: Organisation, token: Callable[..., str], workspace: object
) -> None:
    text = token(1)
    received = accept(text, customer).received_at
    assert accept(text, customer).received_at == received
    assert Event.objects.filter(type="grant.accepted").count() == 1


def test_an_older_grant_is_refused(
    customer: Organisation, token: Callable[..., str], workspace: object
) -> None:
    older = token(1, mode="read_only")
    accept(token(2), customer)
    with pytest.raises(GrantRefusedError, match="Grant 1 is older than grant 2"):
        accept(older, customer)
    assert contract.held_grant().mode == "full"


def test_a_forged_grant_is_refused(customer: Organisation, workspace: object) -> None:
    forged = signed(grant_of(customer, 9), SigningKey.generate())
    with pytest.raises(GrantRefusedError, match="key that is not trusted"):
        accept(forged, customer)
    assert contract.held_grant().serial == 0


def test_a_changed_grant_is_refused(customer: Organisation, token: Callable[..., str]) -> None:
    head, body, signature = token(1).split(".")
    with pytest.raises(GrantRefusedError, match="changed or forged"):
        accept(f"{head}.{body}.{signature[:-8]}AAAAAAAA", customer)


def test_the_grant_of_another_isp_is_refused(
    customer: Organisation, initech: Isp, workspace: object
) -> None:
    other = adopt(initech)
    with pytest.raises(GrantRefusedError, match="made for another address"):
        accept(signed(grant_of(other, 5)), customer)
    assert contract.held_grant().serial == 0


def test_an_expired_grant_is_refused(customer: Organisation, token: Callable[..., str]) -> None:
    with pytest.raises(GrantRefusedError, match="has expired"):
        accept(token(1, issued_at=timezone.now() - 15 * DAY), customer)


@pytest.mark.parametrize("text", ["", "nonsense", "a.b.c", "é", "x" * 70_000])
def test_what_is_no_grant_is_refused(customer: Organisation, text: str) -> None:
    with pytest.raises(GrantRefusedError):
        accept(text, customer)


class TestFourteenDays:
    @pytest.fixture
    def staff(self, customer: Organisation, workspace: object) -> Client:
        """A browser of Acme's staff, in the workspace."""
        user = User.objects.create_superuser("alice@acme.example")
        client = Client(headers={"host": "acme.apps.localhost"})
        client.force_login(user)
        return client

    @pytest.fixture
    def program(self, customer: Organisation, workspace: object) -> Client:
        """A program of Acme's staff."""
        user = User.objects.create_superuser("robot@acme.example")
        _key, text = key_like(user)
        return Client(
            headers={"host": "acme.apps.localhost", "authorization": f"Bearer {text.reveal()}"}
        )

    def test_without_contact_staff_may_only_look(
        self, customer: Organisation, token: Callable[..., str], staff: Client
    ) -> None:
        accept(token(1), customer)
        with time_machine.travel(timezone.now() + 13 * DAY):
            assert not is_read_only(customer)
            assert staff.post("/admin/nowhere/").status_code == 404
        with time_machine.travel(timezone.now() + 14 * DAY):
            assert is_read_only(customer)
            refused = staff.post("/admin/nowhere/")
            assert refused.status_code == 403
            assert "has not confirmed it for 14 days" in refused.content.decode()

    def test_the_api_says_so_to_programs(
        self, customer: Organisation, token: Callable[..., str], program: Client
    ) -> None:
        accept(token(1, mode="read_only"), customer)
        refused = program.post("/api/v1/operations/", {}, content_type="application/json")
        assert refused.status_code == 403
        assert refused["content-type"] == "application/problem+json"
        problem = refused.json()
        assert (problem["code"], problem["title"]) == ("read_only", "Read only")
        assert problem["request_id"] == refused["x-request-id"]
        assert program.get("/api/v1/operations/").status_code == 200

    def test_reading_and_signing_out_go_on(
        self, customer: Organisation, token: Callable[..., str], staff: Client
    ) -> None:
        accept(token(1, mode="read_only"), customer)
        assert staff.get("/admin/").status_code == 200
        assert staff.post("/admin/logout/").status_code in (200, 302)
        assert staff.get("/admin/").status_code == 302

    def test_subscribers_go_on(
        self, customer: Organisation, token: Callable[..., str], workspace: object
    ) -> None:
        accept(token(1, mode="read_only"), customer)
        visitor = Client(headers={"host": "acme.apps.localhost"})
        said = {"login": "nobody@acme.example", "password": "wrong"}
        assert visitor.post("/accounts/login/", said).status_code == 200

    def test_a_subscriber_s_portal_goes_on(
        self, customer: Organisation, token: Callable[..., str], workspace: object
    ) -> None:
        dora = User.objects.create_user("dora@example.com", "secret")
        subscribers.create_subscriber(name="Dora Diaz", email=dora.email, user=dora, actor=SYSTEM)
        accept(token(1, mode="read_only"), customer)
        portal = Client(headers={"host": "acme.apps.localhost"})
        portal.force_login(dora)
        assert portal.get("/").status_code == 200
        assert portal.get("/services/").status_code == 200
        assert portal.post("/account/", {}).status_code != 403

    def test_a_new_grant_opens_it_again(
        self, customer: Organisation, token: Callable[..., str], staff: Client
    ) -> None:
        accept(token(1, mode="read_only"), customer)
        assert staff.post("/admin/nowhere/").status_code == 403
        accept(token(2), customer)
        assert staff.post("/admin/nowhere/").status_code == 404

    def test_consoles_are_never_read_only(
        self, customer: Organisation, token: Callable[..., str]
    ) -> None:
        accept(token(1, mode="read_only"), customer)
        console = Client(headers={"host": "acme.dotmac.localhost"})
        assert console.post("/admin/nowhere/").status_code != 403


class TestTheAddressForGrants:
    """Where the platform brings grants to a dedicated workspace."""

    @pytest.fixture
    def visitor(self, customer: Organisation) -> Client:
        return Client(headers={"host": "acme.apps.localhost"}, enforce_csrf_checks=True)

    @pytest.fixture
    def key(self, settings: object) -> SigningKey:
        """The stack's own key."""
        key = SigningKey.generate()
        settings.INSTANCE_SIGNING_KEY = key.to_pem().reveal()  # type: ignore[attr-defined]
        return key

    def test_a_grant_is_answered_with_a_report(
        self, customer: Organisation, visitor: Client, key: SigningKey, token: Callable[..., str]
    ) -> None:
        answers = [
            visitor.post("/_dotmac/grant/", token(n), content_type="text/plain") for n in (1, 2)
        ]
        assert [answer.status_code for answer in answers] == [200, 200]
        reports = [
            open_usage_report(
                answer.json()["report"],
                [key.public],
                tenant=customer.workspace.uuid,  # type: ignore[union-attr]
                audience="dotmac.localhost",
            ).value
            for answer in answers
        ]
        assert [report.number for report in reports] == [1, 2]

    def test_anything_else_is_refused(self, visitor: Client, key: SigningKey) -> None:
        answer = visitor.post("/_dotmac/grant/", "nonsense", content_type="text/plain")
        assert (answer.status_code, answer.json()["code"]) == (403, "grant_refused")
        too_long = visitor.post("/_dotmac/grant/", "x" * 70_000, content_type="text/plain")
        assert too_long.status_code == 413
        assert visitor.get("/_dotmac/grant/").status_code == 405
