"""Programs of the operator write down regions, sizes and servers, one by one and in bulk."""

from collections.abc import Callable
from typing import Any

import pytest
from django.http import HttpResponse

from apps.events.models import Event
from apps.fleet.models import Certificate, EdgeState, Placement, Region, Server
from tests.api.conftest import Program, key_in

Problem = Callable[[HttpResponse], dict[str, Any]]
SIZE = {"name": "large", "cpu_millis": 16000, "memory_mb": 65536, "disk_mb": 512000}
# What is sent in bulk: two new rows, what changes the first, and one that cannot be.
BATCHES: dict[str, tuple[list[dict[str, Any]], dict[str, Any], dict[str, Any]]] = {
    "regions": (
        [{"code": "osl", "name": "Oslo", "country": "NO"}, {"code": "rix", "name": "Riga"}],
        {"code": "osl", "is_open": False},
        {"code": "o slo", "name": "Oslo"},
    ),
    "server_plans": (
        [{**SIZE, "name": "a", "external_id": "size-1"}, {**SIZE, "name": "b"}],
        {"external_id": "size-1", "memory_mb": 4096},
        {"name": "c"},
    ),
    "servers": (
        [{"name": "fra-1", "region": "fra", "plan": "large"}, {"name": "fra-2", "region": "fra",
          "cpu_millis": 1, "memory_mb": 1, "disk_mb": 1}],
        {"name": "fra-1", "memory_mb": 1024},
        {"name": "fra-3", "region": "nowhere", "plan": "large"},
    ),
}  # fmt: skip


@pytest.fixture
def frankfurt(platform_desk: Program) -> Program:
    """Who has added a region and a size."""
    region = {"code": "fra", "name": "Frankfurt", "country": "DE", "external_id": "site-1"}
    assert platform_desk.post("regions/", region).json()["external_id"] == "site-1"
    assert platform_desk.post("server-plans/", SIZE).status_code == 201
    return platform_desk


def test_a_server_is_added_by_its_plan_and_changed(frankfurt: Program, problem: Problem) -> None:
    asked = {
        "name": "one",
        "region": "fra",
        "plan": "large",
        "engine_url": "ssh://root@secret-host",
    }
    made = frankfurt.post("servers/", asked)
    assert made.status_code == 201
    assert (made.json()["memory_mb"], made.json()["status"]) == (65536, "active")
    there = f"servers/{made.json()['id']}/"
    changed = frankfurt.patch(there, {"memory_mb": 1024, "address_prefix": "10.203"})
    assert (changed.json()["memory_mb"], changed.json()["address_prefix"]) == (1024, "10.203")
    assert Server.objects.get(name="one").engine_url == asked["engine_url"]
    assert "secret-host" not in made.text + changed.text + frankfurt.get("servers/").text
    data = Event.objects.get(type="server.changed").data
    assert data["changed"]["memory_mb"] == {"before": 65536, "after": 1024}
    # Networks that exist keep their addresses.
    row = Server.objects.get(name="one")
    size = {"cpu_millis": 1, "memory_mb": 1, "disk_mb": 1}
    Placement.objects.create(
        schema="c_x", instance="1d7e1d0e-6f2c-4c7e-8b0a-2f6c6b7a9d33", server=row, slot=0, **size
    )
    refused = problem(frankfurt.patch(there, {"address_prefix": "10.205"}))
    assert (refused["status"], refused["errors"][0]["field"]) == (409, "address_prefix")
    assert frankfurt.patch(there, {"address_prefix": "10.203"}).status_code == 200


def test_what_is_wrong_is_named(frankfurt: Program, problem: Problem) -> None:
    for path, body, field in (
        ("regions/", {"code": "fra", "name": "Again"}, "code"),
        ("regions/", {"code": "ber", "name": "Berlin", "country": "Germany"}, "country"),
        ("server-plans/", {**SIZE, "name": "x", "cpu_millis": -1}, "cpu_millis"),
        ("servers/", {"name": "one", "region": "fra"}, "cpu_millis"),
        ("servers/", {"name": "one", "region": "nowhere", "plan": "large"}, "region"),
    ):
        found = problem(frankfurt.post(path, body))
        assert (found["status"], found["errors"][0]["field"]) == (400, field), path
    frankfurt.patch("regions/fra/", {"is_open": False})
    assert not Region.objects.get(code="fra").is_open
    reader = Program("dotmac.localhost", key_in("public", "vic@dotmac.example", role="viewer"))
    assert reader.get("regions/fra/").status_code == 200
    assert reader.patch("regions/fra/", {"is_open": True}).status_code == 403


def test_many_at_once(frankfurt: Program) -> None:
    for name, (new, change, wrong) in BATCHES.items():
        path = f"{name.replace('_', '-')}/"

        def bring(*rows: dict[str, Any], name: str = name, path: str = path) -> list[Any]:
            answer = frankfurt.post(f"{path}bulk/", {name: rows})
            assert answer.status_code == 200, answer.content
            return answer.json()["results"]  # type: ignore[no-any-return]

        first = bring(*new, wrong)
        assert [one["result"] for one in first] == ["created", "created", "error"], first
        assert frankfurt.get(f"{path}{first[0]['id']}/").status_code == 200
        again = bring(*new, change, wrong)
        assert [one["result"] for one in again] == ["unchanged", "unchanged", "error", "error"]
        (changed,) = bring(change)
        assert (changed["result"], changed["id"]) == ("updated", first[0]["id"])
        shown = frankfurt.get(f"{path}{changed['id']}/").json()
        assert change.items() <= shown.items()


def test_what_the_edge_has_is_seen(platform_desk: Program) -> None:
    EdgeState.objects.update_or_create(name="local", defaults={"wanted": 7, "applied": 5})
    Certificate.objects.create(name="apps", hostnames=["*.apps.localhost"], chain="PEM", key="k")
    (edge,) = platform_desk.get("edges/").json()["results"]
    assert (edge["wanted"], edge["applied"], edge["is_current"]) == (7, 5, False)
    (served,) = platform_desk.get("served-certificates/", name="apps").json()["results"]
    assert (served["is_from_authority"], "key" in served) == (True, False)
