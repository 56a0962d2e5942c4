"""Instances and operations of a console over its API."""

from collections.abc import Callable
from typing import Any

import pytest
from django.http import HttpResponse

from apps.accounts.models import User
from apps.instances.models import Instance
from apps.tenancy.kinds import schema_of
from apps.tenants.models import Organisation
from tests.api.conftest import Program, key_in
from tests.conftest import Isp
from tests.costs import queries_of
from tests.instances.world import PASSWORD, Shop, adopt, arrange_release

RunDue = Callable[[], list[str]]
Problem = Callable[[HttpResponse], dict[str, Any]]


@pytest.fixture
def customer(acme: Isp, platform: None) -> Organisation:
    """Acme, a customer with the Business plan."""
    return adopt(acme)


CHANGES = ["stop", "start", "suspend", "resume", "archive", "deploy"]


def test_an_instance_shows_itself_without_its_secrets(program: Program, running_shop: Shop) -> None:
    (listed,) = program.get("instances/").json()["results"]
    shown = program.get(f"instances/{running_shop.uuid}/")
    assert shown.json() == listed
    assert listed["id"] == str(running_shop.uuid)
    assert listed["status"] == "active"
    assert listed["address"] == "https://acme--shop.apps.localhost:8443/"
    assert listed["environment"] == {}
    assert PASSWORD not in shown.content.decode()


def test_an_app_is_installed(program: Program, acme: Isp, run_due: RunDue) -> None:
    adopt(acme)
    asked = {"app": "shop", "environment": {"PASSWORD": PASSWORD, "GREETING": "hi"}}
    accepted = program.post("instances/", asked)
    assert accepted.status_code == 202
    body = accepted.json()
    assert (body["name"], body["status"]) == ("instances.deploy", "queued")
    assert [step["key"] for step in body["steps"]][:3] == ["validate", "reserve", "image"]
    assert PASSWORD not in accepted.content.decode()
    run_due()
    assert program.get(f"operations/{body['id']}/").json()["status"] == "succeeded"
    instance = program.get(f"instances/{body['subject_id']}/").json()
    assert (instance["status"], instance["environment"]) == ("active", {"GREETING": "hi"})


def test_an_instance_is_led_through_its_life(
    program: Program, running_shop: Shop, run_due: RunDue
) -> None:
    lives = [
        ("stop", "stopped"),
        ("start", "active"),
        ("suspend", "suspended"),
        ("resume", "active"),
        ("archive", "archived"),
        ("deploy", "active"),
    ]
    arrange_release(running_shop, 2)
    for what, status in lives:
        accepted = program.post(f"instances/{running_shop.uuid}/{what}/", {"reason": "a test"})
        assert accepted.status_code == 202
        run_due()
        operation = program.get(f"operations/{accepted.json()['id']}/").json()
        assert (operation["status"], operation["cause"]) == ("succeeded", "")
        assert program.get(f"instances/{running_shop.uuid}/").json()["status"] == status


def test_a_chosen_release_is_deployed(
    program: Program, running_shop: Shop, run_due: RunDue
) -> None:
    assert program.post(f"instances/{running_shop.uuid}/deploy/", {"release": "2.0"}).status_code
    run_due()
    assert program.get(f"instances/{running_shop.uuid}/").json()["release"] == "2.0"


@pytest.mark.parametrize("what", ["stop", "suspend", "archive", "deploy"])
def test_a_second_change_is_refused_with_the_first_one_s_id(
    program: Program, running_shop: Shop, problem: Problem, what: str
) -> None:
    first = program.post(f"instances/{running_shop.uuid}/deploy/").json()
    refused = problem(program.post(f"instances/{running_shop.uuid}/{what}/"))
    assert (refused["status"], refused["code"]) == (409, "operation_in_progress")
    assert refused["operation"] == first["id"]
    assert "“Deploy Shop” is under way" in refused["detail"]


def test_a_change_that_the_status_does_not_allow_is_a_conflict(
    program: Program, running_shop: Shop, problem: Problem
) -> None:
    refused = problem(program.post(f"instances/{running_shop.uuid}/start/"))
    assert (refused["status"], refused["code"]) == (409, "conflict")
    assert refused["detail"] == "Shop is active, so it cannot be started."


def test_invalid_settings_are_named(program: Program, acme: Isp, problem: Problem) -> None:
    adopt(acme)
    asked = {"app": "shop", "environment": {"LIMIT": "many", "PASSWROD": "hunter-two"}}
    refused = problem(program.post("instances/", asked))
    assert (refused["status"], refused["code"]) == (400, "invalid_environment")
    assert {error["field"] for error in refused["errors"]} == {
        "environment.LIMIT",
        "environment.PASSWORD",
        "environment.PASSWROD",
    }
    assert "hunter-two" not in str(refused)
    assert program.get("instances/").json()["results"] == []


def test_a_plan_without_room_is_a_conflict(program: Program, acme: Isp, problem: Problem) -> None:
    adopt(acme, plan="starter")
    asked = {"app": "shop", "environment": {"PASSWORD": PASSWORD}}
    program.post("instances/", asked)
    refused = problem(program.post("instances/", {**asked, "app": "radicale"}))
    assert (refused["status"], refused["code"]) == (409, "quota_exceeded")
    assert refused["errors"][0]["field"] == "app"


BAD_BODIES = [
    ("", 400, "invalid"),
    ("{", 400, "parse_error"),
    ("[]", 400, "invalid"),
    ("{}", 400, "invalid"),
    ('{"app": "shop", "environment": ["x"]}', 400, "invalid"),
    ('{"app": "shop", "environment": {"A": {"b": 1}}}', 400, "invalid"),
    ('{"app": "a b"}', 400, "invalid"),
    ('{"app": "nothing-of-the-kind"}', 404, "not_found"),
    ('{"app": "dotmac-isp"}', 409, "conflict"),
    ('{"app": "shop", "name": "\\u0000"}', 400, "invalid"),
]


@pytest.mark.parametrize(("body", "status", "code"), BAD_BODIES)
@pytest.mark.usefixtures("customer")
def test_a_senseless_request_is_a_problem(
    program: Program, problem: Problem, body: str, status: int, code: str
) -> None:
    answer = program.client.post("/api/v1/instances/", body, content_type="application/json")
    refused = problem(answer)
    assert (refused["status"], refused["code"]) == (status, code)


def test_only_json_is_taken(program: Program, problem: Problem) -> None:
    answer = program.client.post("/api/v1/instances/", {"app": "shop"})
    assert problem(answer)["status"] == 415


def test_a_method_that_is_none_is_a_problem(
    program: Program, running_shop: Shop, problem: Problem
) -> None:
    answer = program.client.delete(f"/api/v1/instances/{running_shop.uuid}/")
    assert problem(answer)["status"] == 405
    assert "DELETE" not in answer["allow"]


@pytest.mark.parametrize(
    "path",
    ["instances/none/", "nothing/", "/api/", "/api/v2/instances/", f"instances/{'0' * 32}/x/"],
)
def test_an_address_that_is_none_is_a_problem(
    program: Program, problem: Problem, path: str
) -> None:
    assert problem(program.get(path))["status"] == 404
    assert problem(program.post(path))["status"] == 404


class TestOperations:
    def test_they_are_listed_by_status_name_and_subject(
        self, program: Program, running_shop: Shop
    ) -> None:
        running_shop.deploy()
        (queued,) = program.get("operations/", status="queued").json()["results"]
        assert queued["subject_id"] == str(running_shop.uuid)
        assert len(program.get("operations/", name="instances.deploy").json()["results"]) == 2
        assert program.get("operations/", name="instances.stop").json()["results"] == []
        assert len(program.get("operations/", subject_id=running_shop.uuid).json()["results"]) == 2

    def test_a_status_that_is_none_is_named(self, program: Program, problem: Problem) -> None:
        refused = problem(program.get("operations/", status="asleep"))
        assert refused["errors"][0]["field"] == "status"

    def test_one_is_cancelled_once(
        self, program: Program, running_shop: Shop, run_due: RunDue, problem: Problem
    ) -> None:
        operation = running_shop.deploy()
        assert program.post(f"operations/{operation.uuid}/cancel/").status_code == 202
        again = problem(program.post(f"operations/{operation.uuid}/cancel/"))
        assert again["status"] == 409
        run_due()
        assert program.get(f"operations/{operation.uuid}/").json()["status"] == "cancelled"
        assert running_shop.row.status == "active"

    def test_a_failed_one_is_repeated(
        self, program: Program, running_shop: Shop, run_due: RunDue, problem: Problem
    ) -> None:
        running_shop.engine.host.missing_images.add("example/shop:2.0")
        operation = running_shop.deploy()
        refused = problem(program.post(f"operations/{operation.uuid}/retry/"))
        assert (refused["status"], refused["code"]) == (409, "conflict")
        run_due()
        running_shop.engine.host.missing_images.clear()
        again = program.post(f"operations/{operation.uuid}/retry/")
        assert again.status_code == 202
        assert again.json()["retry_of"] == str(operation.uuid)
        run_due()
        assert running_shop.row.release == "2.0"


def test_pages_stay_right_while_rows_are_added(program: Program, acme: Isp) -> None:
    add_instances(acme, range(5))
    first = program.get("instances/", limit="2").json()
    add_instances(acme, range(5, 7))
    second = program.get(first["next"]).json()
    third = program.get(second["next"]).json()
    names = [row["name"] for page in (first, second, third) for row in page["results"]]
    assert names == ["app 4", "app 3", "app 2", "app 1", "app 0"]
    assert (first["previous"], third["next"]) == (None, None)


def add_instances(isp: Isp, numbers: range) -> None:
    with schema_of(isp.console):
        for n in numbers:
            Instance.objects.create(
                name=f"app {n}", app="shop", hosting="dedicated", hostname=f"{n}.apps.localhost"
            )


def queries(program: Program, path: str) -> int:
    """How many queries a whole list costs."""
    return queries_of(lambda: program.get(path, limit="100"))


def test_a_list_costs_the_same_queries_whatever_its_length(program: Program, acme: Isp) -> None:
    add_instances(acme, range(1))
    few = queries(program, "instances/")
    add_instances(acme, range(1, 60))
    assert queries(program, "instances/") == few


def test_operations_cost_the_same_queries_whatever_their_number(
    program: Program, running_shop: Shop, run_due: RunDue
) -> None:
    queries(program, "operations/")
    few = queries(program, "operations/")
    for what in ("stop", "start", "stop", "start"):
        running_shop.change(what)
        run_due()
    assert queries(program, "operations/") == few


def addresses(shop: Shop) -> list[tuple[str, str]]:
    """Every endpoint that names a row, with its method."""
    instance, operation = f"instances/{shop.uuid}/", f"operations/{shop.operation.uuid}/"
    return [
        ("get", instance),
        *(("post", f"{instance}{what}/") for what in CHANGES),
        ("get", operation),
        ("post", f"{operation}cancel/"),
        ("post", f"{operation}retry/"),
    ]


LISTS = [("get", "instances/"), ("post", "instances/"), ("get", "operations/")]


class TestOutsiders:
    def test_another_isp_finds_nothing_of_it(
        self, outsider: Program, running_shop: Shop, problem: Problem
    ) -> None:
        for method, path in addresses(running_shop):
            assert problem(getattr(outsider, method)(path))["status"] == 404
        assert outsider.get("instances/").json()["results"] == []
        assert outsider.get("operations/").json()["results"] == []
        assert running_shop.row.status == "active"

    def test_another_isp_s_key_opens_nothing(
        self, intruder: Program, running_shop: Shop, problem: Problem
    ) -> None:
        for method, path in [*LISTS, *addresses(running_shop)]:
            refused = problem(getattr(intruder, method)(path))
            assert (refused["status"], refused["code"]) == (401, "invalid_key")

    def test_without_a_key_nothing_opens(
        self, acme: Isp, running_shop: Shop, problem: Problem
    ) -> None:
        nobody = Program(acme.console_host)
        for method, path in [*LISTS, *addresses(running_shop)]:
            answer = getattr(nobody, method)(path)
            assert problem(answer)["status"] == 401
            assert answer["www-authenticate"] == 'Bearer realm="api"'

    def test_a_person_who_is_no_staff_may_not(
        self, acme: Isp, running_shop: Shop, problem: Problem
    ) -> None:
        key = key_in(acme.console, "guest@acme.example", is_staff=False)
        guest = Program(acme.console_host, key)
        for method, path in [*LISTS, *addresses(running_shop)]:
            assert problem(getattr(guest, method)(path))["status"] == 403

    def test_a_browser_s_session_is_no_key(
        self, acme: Isp, running_shop: Shop, problem: Problem
    ) -> None:
        nobody = Program(acme.console_host)
        with schema_of(acme.console):
            nobody.client.force_login(User.objects.create_superuser("alice@acme.example"))
        assert problem(nobody.get("instances/"))["status"] == 401


def test_settings_are_changed_one_by_one(
    program: Program, outsider: Program, running_shop: Shop, run_due: RunDue, problem: Problem
) -> None:
    at = f"instances/{running_shop.uuid}/environment/"
    shown = {row["name"]: row for row in program.get(at).json()["environment"]}
    assert shown.keys() == {"GREETING", "LIMIT", "PASSWORD"}
    assert (shown["PASSWORD"]["value"], shown["PASSWORD"]["is_set"]) == (None, True)
    assert program.patch(at, {"environment": {"LIMIT": "3"}}).status_code == 202
    run_due()
    assert program.patch(at, {"environment": {"GREETING": "hi"}}).status_code == 202
    run_due()
    assert running_shop.row.environment == {"GREETING": "hi", "LIMIT": "3"}
    assert running_shop.operation.status == "succeeded"
    for name, value in (("DB_PASSWORD", "mine"), ("STRANGE", "x"), ("LIMIT", "many")):
        refused = problem(program.patch(at, {"environment": {name: value}}))
        assert refused["code"] == "invalid_environment"
        assert refused["errors"][0]["field"] == f"environment.{name}"
    assert program.patch(at, {"environment": {}}).status_code == 400
    assert outsider.get(at).status_code == 404
    assert outsider.patch(at, {"environment": {"LIMIT": "9"}}).status_code == 404
