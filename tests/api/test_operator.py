"""The operator's resources, and the catalogue in a console."""

from collections.abc import Callable
from typing import Any

import pytest
from django.http import HttpResponse
from django.utils import timezone

from apps.fleet.models import Region, Server, ServerPlan
from apps.marketplace.models import App, Release
from apps.tenancy.kinds import operator
from tests.api.conftest import Program
from tests.conftest import Isp
from tests.costs import queries_of
from tests.instances.world import Shop, adopt

Problem = Callable[[HttpResponse], dict[str, Any]]
LISTS = [
    "organisations",
    "regions",
    "server-plans",
    "servers",
    "placements",
    "routes",
    "apps",
    "releases",
    "plans",
    "people",
]


def more_of_everything(number: int) -> None:
    with operator():
        region = Region.objects.create(code=f"r-{number}", name="Region")
        size = {"cpu_millis": 1000, "memory_mb": 1024, "disk_mb": 1024}
        plan = ServerPlan.objects.create(name=f"size {number}", **size)
        Server.objects.create(name=f"host {number}", region=region, plan=plan, **size)
        app = App.objects.create(key=f"app-{number}", title="App", summary="An app")
        Release.objects.create(app=app, version="1.0", manifest={})


@pytest.mark.parametrize("what", LISTS)
def test_a_list_asks_the_database_as_often_for_many_rows(
    platform_desk: Program, running_shop: Shop, what: str
) -> None:
    def queries() -> int:
        return queries_of(lambda: platform_desk.get(f"{what}/"))

    more_of_everything(0)
    few = queries()
    for number in range(1, 6):
        more_of_everything(number)
    assert queries() == few


def test_what_runs_is_found(platform_desk: Program, running_shop: Shop, acme: Isp) -> None:
    asked = {"instance": str(running_shop.uuid), "status": "active"}
    (placement,) = platform_desk.get("placements/", **asked).json()["results"]
    assert platform_desk.get(f"servers/{placement['server']}/").status_code == 200
    (route,) = platform_desk.get("routes/", instance=running_shop.uuid).json()["results"]
    assert (route["hostname"], route["schema"]) == ("acme--shop.apps.localhost", acme.console)


def test_a_server_is_drained_taken_up_and_retired(platform_desk: Program, problem: Problem) -> None:
    more_of_everything(0)
    (server,) = platform_desk.get("servers/", region__code="r-0").json()["results"]
    at = f"servers/{server['id']}"
    assert platform_desk.post(f"{at}/drain/").json()["is_draining"]
    assert problem(platform_desk.post(f"{at}/drain/"))["status"] == 409
    assert not platform_desk.post(f"{at}/activate/").json()["is_draining"]
    assert platform_desk.post(f"{at}/retire/").json()["status"] == "retired"
    assert "engine_url" not in server


def test_a_customer_is_found(platform_desk: Program, acme: Isp, platform: None) -> None:
    adopt(acme)
    (found,) = platform_desk.get("organisations/", slug="acme").json()["results"]
    assert (found["plan"], found["name"]) == ("business", "Acme Fiber")
    assert platform_desk.get(f"organisations/{found['id']}/").json() == found


def test_a_console_sees_what_can_be_deployed(
    program: Program, platform_desk: Program, platform: None
) -> None:
    with operator():
        App.objects.create(key="hidden", title="Hidden", summary="", is_listed=False)
    assert platform_desk.get("apps/hidden/").status_code == 200
    assert program.get("apps/hidden/").status_code == 404
    offered = {app["key"] for app in program.get("apps/").json()["results"]}
    assert "shop" in offered
    assert "hidden" not in offered


def test_a_server_that_never_comes_back_is_given_up_and_cleared(
    platform_desk: Program, problem: Problem, running_shop: Shop
) -> None:
    (server,) = platform_desk.get("servers/", status="active").json()["results"]
    at = f"servers/{server['id']}"
    loss = {"name": "one", "reason": "Burnt"}
    assert problem(platform_desk.post(f"{at}/lose/", loss))["status"] == 409
    Server.objects.filter(name="one").update(status="unreachable", failing_since=timezone.now())
    refused = problem(platform_desk.post(f"{at}/lose/", {**loss, "name": "two"}))
    assert (refused["status"], refused["errors"][0]["field"]) == (400, "name")
    assert problem(platform_desk.post(f"{at}/lose/", {"name": "one"}))["status"] == 400
    lost = platform_desk.post(f"{at}/lose/", loss).json()
    assert (lost["status"], lost["lost_reason"]) == ("lost", "Burnt")
    assert running_shop.row.status == "failed"
    assert problem(platform_desk.post(f"{at}/clear/"))["status"] == 409
    Server.objects.filter(name="one").update(failing_since=None)
    begun = platform_desk.post(f"{at}/clear/")
    assert begun.status_code == 202
    assert begun.json()["name"] == "fleet.clear"
