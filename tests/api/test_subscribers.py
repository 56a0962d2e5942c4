"""Subscribers, services, plans and people of a workspace over its API."""

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from django.http import HttpResponse

from apps.core.models import Tombstone
from apps.events.models import Event
from apps.subscribers.models import Subscriber
from apps.tenancy.kinds import schema_of
from tests.api.conftest import Program, key_in
from tests.conftest import Isp
from tests.costs import queries_of

Problem = Callable[[HttpResponse], dict[str, Any]]
DORA = {
    "name": "Dora Diaz",
    "email": "dora@example.com",
    "external_id": "crm-17",
    "address": {"street": "1 Main Street", "city": "Berlin", "country": "DE"},
}


@pytest.fixture
def dora(desk: Program) -> str:
    """Dora's id."""
    return str(desk.post("subscribers/", DORA).json()["id"])


@pytest.fixture
def plan(desk: Program) -> str:
    """The key of a plan with a price."""
    made = desk.post("plans/", {"key": "fiber-100", "name": "Fiber 100"}).json()
    offer = {"currency": "USD", "price": "39.00", "entitlements": {"down_kbps": 100_000}}
    assert desk.post(f"plans/{made['id']}/versions/", offer).status_code == 201
    return "fiber-100"


@pytest.fixture
def service(desk: Program, dora: str, plan: str) -> str:
    """The id of Dora's service, a draft."""
    asked = {"subscriber": dora, "plan": plan, "username": "dora"}
    return str(desk.post("services/", asked).json()["id"])


class TestSubscribers:
    def test_one_is_added_found_and_changed(self, desk: Program, dora: str, acme: Isp) -> None:
        (found,) = desk.get("subscribers/", external_id="crm-17").json()["results"]
        assert (found["id"], found["status"], found["name"]) == (dora, "lead", "Dora Diaz")
        assert found["addresses"][0]["street"] == "1 Main Street"
        changed = desk.patch(f"subscribers/{dora}/", {"phone": "+49 30 1234567"})
        assert changed.json()["phone"] == "+49 30 1234567"
        assert changed.json()["updated_at"] > found["updated_at"]
        assert desk.get("subscribers/", search="1234567").json()["results"] == [changed.json()]
        with schema_of(acme.workspace):
            event = Event.objects.get(type="subscriber.updated")
        assert event.actor_label == "Programs of alice@acme.example"

    def test_what_is_taken_is_a_conflict(self, desk: Program, dora: str, problem: Problem) -> None:
        refused = problem(desk.post("subscribers/", DORA))
        assert (refused["status"], refused["code"]) == (409, "taken")
        assert refused["errors"][0]["field"] == "external_id"

    def test_one_is_archived_and_restored(self, desk: Program, dora: str) -> None:
        steps = {"archive": "archived", "restore": "inactive"}
        for step, status in steps.items():
            assert desk.post(f"subscribers/{dora}/{step}/").json()["status"] == status

    def test_one_is_invited(
        self,
        desk: Program,
        dora: str,
        mailoutbox: list[Any],
        django_capture_on_commit_callbacks: Any,
    ) -> None:
        with django_capture_on_commit_callbacks(execute=True):
            invited = desk.post(f"subscribers/{dora}/invite/")
        assert invited.json()["has_portal_access"]
        assert mailoutbox[0].to == ["dora@example.com"]

    def test_pages_stay_right_while_rows_are_added(self, desk: Program) -> None:
        for number in range(5):
            desk.post("subscribers/", {"name": f"Person {number}"})
        page = desk.get("subscribers/", limit=2).json()
        desk.post("subscribers/", {"name": "Late"})
        names = [row["name"] for row in page["results"]]
        while page["next"]:
            page = desk.get(page["next"]).json()
            names += [row["name"] for row in page["results"]]
        assert names == [f"Person {number}" for number in (4, 3, 2, 1, 0)]


class TestChanges:
    def test_what_changed_is_listed_however_it_was_changed(
        self, desk: Program, dora: str, plan: str, acme: Isp
    ) -> None:
        bring = {"subscribers": [{"external_id": "crm-18", "name": "Emil Eze"}]}
        emil = desk.post("subscribers/bulk/", bring).json()["results"][0]["id"]
        since = desk.get(f"subscribers/{emil}/").json()["updated_at"]

        def changed() -> set[str]:
            rows = desk.get("subscribers/", updated_since=since).json()["results"]
            return {row["id"] for row in rows}

        assert changed() == {emil}
        # The first service makes its subscriber active, by an UPDATE without the model.
        asked = {"subscriber": dora, "plan": plan}
        service = desk.post("services/", asked).json()["id"]
        desk.post(f"services/{service}/activate/")
        assert changed() == {dora, emil}
        (listed,) = desk.get("services/", updated_since=since).json()["results"]
        assert listed["id"] == service

    def test_what_was_deleted_is_told(self, desk: Program, dora: str, acme: Isp) -> None:
        assert desk.get("deleted/").json()["results"] == []
        with schema_of(acme.workspace):
            Tombstone.objects.create(
                resource="subscribers", uuid=uuid4(), deleted_at="2020-01-01T00:00Z"
            )
            Subscriber.objects.all().delete()
        # The one from years ago went with it.
        (gone,) = desk.get("deleted/", resource="subscribers").json()["results"]
        assert (gone["id"], gone["deleted"]) == (dora, True)
        assert desk.get("deleted/", updated_since="2100-01-01T00:00Z").json()["results"] == []

    def test_a_time_that_is_none_is_named(self, desk: Program, problem: Problem) -> None:
        refused = problem(desk.get("subscribers/", updated_since="yesterday"))
        assert refused["errors"][0]["field"] == "updated_since"


class TestServices:
    def test_one_is_led_through_its_life(self, desk: Program, service: str, dora: str) -> None:
        life: list[tuple[str, dict[str, str], str]] = [
            ("order", {}, "pending_install"),
            ("activate", {}, "active"),
            ("suspend", {"reason": "nonpayment"}, "suspended"),
            ("resume", {}, "active"),
            ("terminate", {"reason": "moved away"}, "terminated"),
        ]
        for step, body, status in life:
            answer = desk.post(f"services/{service}/{step}/", body)
            assert (answer.status_code, answer.json()["status"]) == (200, status)
        assert desk.get(f"subscribers/{dora}/").json()["status"] == "inactive"
        (listed,) = desk.get("services/", subscriber=dora, plan="fiber-100").json()["results"]
        assert listed["id"] == service

    def test_a_step_that_its_status_does_not_allow(
        self, desk: Program, service: str, problem: Problem
    ) -> None:
        refused = problem(desk.post(f"services/{service}/suspend/", {"reason": "abuse"}))
        assert (refused["status"], refused["code"]) == (409, "wrong_state")

    def test_what_is_not_there_is_named(
        self, desk: Program, dora: str, plan: str, problem: Problem
    ) -> None:
        nobody = {"subscriber": "00000000-0000-4000-8000-000000000000", "plan": plan}
        assert problem(desk.post("services/", nobody))["errors"][0]["field"] == "subscriber"
        nothing = problem(desk.post("services/", {"subscriber": dora, "plan": "gold"}))
        assert (nothing["code"], nothing["errors"][0]["field"]) == ("plan_not_found", "plan")


class TestPlans:
    def test_prices_are_decimal_strings(self, desk: Program, plan: str) -> None:
        (shown,) = desk.get("plans/", key=plan).json()["results"]
        (version,) = desk.get(f"plans/{shown['id']}/versions/").json()["results"]
        assert (version["price"], version["price_per_subscriber"]) == ("39.00", "0")
        renamed = desk.patch(f"plans/{shown['id']}/", {"name": "Fiber 100 Home"})
        assert renamed.json()["updated_at"] > shown["updated_at"]
        same = {"updated_at": renamed.json()["updated_at"], "name": "Fiber 100 Home"}
        assert renamed.json() == {**shown, **same}

    @pytest.mark.parametrize(
        ("change", "field"),
        [
            ({"currency": "XXY"}, "currency"),
            ({"price": "39.005"}, "price"),
            ({"price": "-1"}, "price"),
            ({"entitlements": {"speed": 1}}, "speed"),
        ],
    )
    def test_terms_that_cannot_be_are_named(
        self, desk: Program, plan: str, problem: Problem, change: dict[str, Any], field: str
    ) -> None:
        (shown,) = desk.get("plans/", key=plan).json()["results"]
        offer = {"currency": "USD", "price": "1", **change}
        refused = problem(desk.post(f"plans/{shown['id']}/versions/", offer))
        assert refused["errors"][0]["field"] == field


class TestPeople:
    def test_one_is_added_and_switched_off(self, desk: Program) -> None:
        made = desk.post("people/", {"email": "Carl@acme.example", "name": "Carl"}).json()
        assert (made["email"], made["is_staff"]) == ("carl@acme.example", False)
        for step, is_active in (("deactivate", False), ("reactivate", True)):
            switched = desk.post(f"people/{made['id']}/{step}/").json()
            assert switched["is_active"] is is_active

    def test_the_last_who_may_do_everything_stays(self, desk: Program, problem: Problem) -> None:
        me = desk.get("me/").json()
        assert (me["kind"], me["key"], me["role"]) == ("workspace", "robot", "owner")
        (alice,) = desk.get("people/", email="alice@acme.example").json()["results"]
        assert problem(desk.post(f"people/{alice['id']}/deactivate/"))["status"] == 409

    def test_staff_without_rights_neither_see_nor_add_anybody(
        self, acme: Isp, db: None, problem: Problem
    ) -> None:
        plain = Program(acme.workspace_host, key_in(acme.workspace, "carl@acme.example"))
        for what in ("people", "subscribers", "services", "plans"):
            assert problem(plain.get(f"{what}/"))["status"] == 403
            assert problem(plain.post(f"{what}/", {}))["status"] == 403


@pytest.mark.parametrize("what", ["subscribers", "services", "plans", "people"])
def test_a_list_asks_the_database_as_often_for_many_rows(
    desk: Program, plan: str, what: str
) -> None:
    def make(number: int) -> None:
        person = desk.post("subscribers/", {**DORA, "external_id": f"crm-{number}"}).json()
        desk.post("services/", {"subscriber": person["id"], "plan": plan})
        desk.post("plans/", {"key": f"p-{number}", "name": "P"})
        desk.post("people/", {"email": f"p{number}@acme.example"})

    def queries() -> int:
        return queries_of(lambda: desk.get(f"{what}/"))

    make(0)
    few = queries()
    for number in range(1, 6):
        make(number)
    assert queries() == few
