"""Roles, labels, order, brand, sender, messages, suppressions and imports over the API."""

from collections.abc import Callable
from typing import Any

from django.http import HttpResponse

from apps.events.models import Event
from apps.tenancy.kinds import schema_of
from tests.api.conftest import Program
from tests.conftest import Isp

Problem = Callable[[HttpResponse], dict[str, Any]]


class TestLabels:
    def test_a_plan_is_found_by_what_another_system_calls_it(
        self, desk: Program, acme: Isp, problem: Problem
    ) -> None:
        asked = {"key": "fiber", "name": "Fiber", "external_id": "erp-1", "metadata": {"tax": "A"}}
        made = desk.post("plans/", asked)
        assert (made.status_code, made.json()["external_id"]) == (201, "erp-1")
        for query in ({"external_id": "erp-1"}, {"metadata": "tax:A"}):
            assert len(desk.get("plans/", **query).json()["results"]) == 1
        assert desk.get("plans/", metadata="tax:B").json()["results"] == []
        other = desk.post("plans/", {"key": "air", "name": "Air"}).json()["id"]
        refused = problem(desk.patch(f"plans/{other}/", {"external_id": "erp-1"}))
        assert (refused["status"], refused["errors"][0]["field"]) == (409, "external_id")
        with schema_of(acme.workspace):
            assert Event.objects.filter(type="plan.labelled").count() == 1

    def test_they_are_bounded(self, desk: Program, problem: Problem) -> None:
        me = desk.get("me/").json()["id"]
        for metadata in (
            {f"k{n}": "" for n in range(51)},
            {"k" * 41: ""},
            {"": "x"},
            {"k": "x" * 501},
            {"k": {"deep": "x"}},
            {"k": "\x00"},
        ):
            answer = desk.patch(f"service-accounts/{me}/", {"metadata": metadata})
            assert problem(answer)["errors"][0]["field"].startswith("metadata")
        whole = {f"k{n}": "x" * 500 for n in range(50)}
        assert desk.patch(f"service-accounts/{me}/", {"metadata": whole}).status_code == 200

    def test_a_label_counts_as_a_change(self, desk: Program) -> None:
        (alice,) = desk.get("people/").json()["results"]
        at = f"people/{alice['id']}/"
        etag = desk.get(at)["etag"]
        changed = desk.patch(at, {"external_id": "hr-1"}, {"if-match": etag})
        assert changed.json()["updated_at"] > alice["updated_at"]
        assert desk.patch(at, {"external_id": "hr-2"}, {"if-match": etag}).status_code == 412
        since = changed.json()["updated_at"]
        assert len(desk.get("people/", updated_since=since).json()["results"]) == 1

    def test_a_subscriber_keeps_texts(self, desk: Program) -> None:
        made = desk.post("subscribers/", {"name": "Dora", "metadata": {"tier": "gold"}}).json()
        assert made["metadata"] == {"tier": "gold"}
        rows = {"subscribers": [{"number": made["number"], "metadata": {"tier": "iron"}}]}
        assert desk.post("subscribers/bulk/", rows).json()["updated"] == 1
        assert desk.get("subscribers/", metadata="tier:iron").json()["results"][0]["name"] == "Dora"


class TestOrder:
    def test_pages_go_on_among_equals(self, desk: Program) -> None:
        rows = [{"external_id": f"x-{n}", "name": "Dora"} for n in range(7)]
        desk.post("subscribers/bulk/", {"subscribers": rows})
        for order in ("name", "-name", "-created_at"):
            seen, at = [], f"/api/v1/subscribers/?limit=2&ordering={order}"
            while at:
                page = desk.get(at).json()
                seen += [one["external_id"] for one in page["results"]]
                at = page["next"]
            assert sorted(seen) == [f"x-{n}" for n in range(7)]


class TestRoles:
    def test_one_is_made_changed_and_removed(self, desk: Program) -> None:
        asked = {"name": "Night desk", "permissions": ["subscribers.view"]}
        made = desk.post("roles/", asked)
        there = f"roles/{made.json()['id']}/"
        assert made.status_code == 201
        changed = desk.patch(there, {"permissions": ["plans.view"], "external_id": "night"})
        assert (changed.json()["permissions"], changed.json()["external_id"]) == (
            ["plans.view"],
            "night",
        )
        assert desk.send("DELETE", there).status_code == 204
        (gone,) = desk.get("deleted/", resource="roles").json()["results"]
        assert gone["id"] == made.json()["id"]


class TestBrandAndSender:
    def test_the_brand_changes_by_its_version(self, desk: Program, problem: Problem) -> None:
        first = desk.get("brand/")
        assert first.json()["name"] == ""
        asked = {"name": "Acme Home", "primary": "#2a6fd6"}
        changed = desk.patch("brand/", asked, {"if-match": first["etag"]})
        assert changed.json()["name"] == "Acme Home"
        late = desk.patch("brand/", {"name": "Late"}, {"if-match": first["etag"]})
        assert problem(late)["code"] == "precondition_failed"
        assert problem(desk.patch("brand/", {"primary": "red"}))["status"] == 400
        assert desk.patch("brand/?dry_run=true", {"name": "Tried"}).json()["name"] == "Tried"
        assert desk.get("brand/").json()["name"] == "Acme Home"

    def test_the_sender_never_shows_its_password(self, desk: Program) -> None:
        asked = {
            "address": "no-reply@acme.example",
            "host": "mail.acme.example",
            "username": "acme",
            "password": "correct horse",
            "is_on": True,
        }
        changed = desk.patch("sender/", asked)
        assert changed.status_code == 200
        for answer in (changed, desk.get("sender/")):
            assert "password" not in answer.json()
            assert "horse" not in answer.content.decode()


class TestMessages:
    def test_an_address_is_put_on_the_list_and_taken_off(self, desk: Program) -> None:
        made = desk.post("suppressions/", {"address": "Dora@example.com", "reason": "asked"})
        assert (made.status_code, made.json()["address"]) == (201, "dora@example.com")
        assert desk.get("suppressions/", address="dora@example.com").json()["results"]
        assert desk.send("DELETE", f"suppressions/{made.json()['id']}/").status_code == 204
        assert desk.get("messages/").json()["results"] == []


class TestImports:
    def test_a_list_is_checked_then_imported(
        self, desk: Program, run_due: Callable[[], list[str]], settings: Any, tmp_path: Any
    ) -> None:
        settings.MEDIA_ROOT = tmp_path
        text = "name,email\nDora Diaz,dora@example.com\n,nobody\n"
        made = desk.post("imports/", {"filename": "list.csv", "content": text}).json()
        assert (made["status"], made["total_rows"], made["error_rows"]) == ("checked", 2, 1)
        there = f"imports/{made['id']}/"
        (bad,) = desk.get(f"{there}errors/").json()["results"]
        assert bad["row"] == 3
        assert desk.get("subscribers/").json()["results"] == []
        assert desk.post(f"{there}start/").status_code == 409
        begun = desk.post(f"{there}start/", {"mode": "skip_errors"})
        assert begun.status_code == 202
        run_due()
        assert desk.get(f"operations/{begun.json()['id']}/").json()["status"] == "succeeded"
        assert desk.get("subscribers/").json()["results"][0]["name"] == "Dora Diaz"
        assert desk.get(there).json()["status"] == "imported"

    def test_it_belongs_to_its_workspace(self, desk: Program, desk_of_initech: Program) -> None:
        made = desk.post("imports/", {"content": "name\nDora\n"}).json()["id"]
        assert desk_of_initech.get(f"imports/{made}/").status_code == 404
        assert desk_of_initech.post(f"imports/{made}/start/").status_code == 404
