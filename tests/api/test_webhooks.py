"""Webhooks over the API: set up by programs, with a secret that is shown once."""

from collections.abc import Callable
from typing import Any

import pytest
from django.http import HttpResponse

from apps.core.models import IdempotentAnswer
from apps.tenancy.kinds import schema_of
from apps.webhooks.models import Endpoint
from apps.webhooks.secrets import secrets_of
from tests.api.conftest import Program, key_in
from tests.conftest import Isp

ADDRESS = "https://crm.acme.example/hook"


@pytest.fixture
def webhook(desk: Program) -> str:
    """The path of a webhook of Acme's workspace."""
    made = desk.post("webhooks/", {"url": ADDRESS, "types": ["subscriber.*"]})
    assert made.status_code == 201, made.content
    return f"webhooks/{made.json()['id']}/"


def test_the_secret_is_shown_when_it_is_made_and_rotated(desk: Program, acme: Isp) -> None:
    made = desk.post("webhooks/", {"url": ADDRESS}).json()
    path = f"webhooks/{made['id']}/"
    assert made["secret"].startswith("whsec_")
    assert "secret" not in desk.get(path).json()
    assert "whsec_" not in desk.get("webhooks/").content.decode()
    rotated = desk.post(f"{path}rotate/").json()["secret"]
    with schema_of(acme.workspace):
        both = [one.reveal() for one in secrets_of(Endpoint.objects.get())]
    assert both == [rotated, made["secret"]]


def test_an_idempotency_key_does_not_keep_the_secret(desk: Program, acme: Isp) -> None:
    again = {"Idempotency-Key": "one"}
    made = desk.post("webhooks/", {"url": ADDRESS}, headers=again).json()
    repeated = desk.post("webhooks/", {"url": ADDRESS}, headers=again)
    assert (repeated.status_code, repeated.json()["id"]) == (201, made["id"])
    assert repeated.json()["secret"] is None
    assert repeated["Idempotent-Omitted"] == "secret"
    with schema_of(acme.workspace):
        assert made["secret"] not in IdempotentAnswer.objects.get().body


def test_a_secret_is_no_part_of_the_version_that_it_comes_with(desk: Program) -> None:
    made = desk.post("webhooks/", {"url": ADDRESS})
    assert made["Cache-Control"] == "no-store"
    path = f"webhooks/{made.json()['id']}/"
    assert desk.get(path)["ETag"] == made["ETag"]
    changed = desk.patch(path, {"description": "CRM"}, headers={"If-Match": made["ETag"]})
    assert changed.status_code == 200


def test_there_is_an_end_to_webhooks(
    desk: Program, problem: Callable[[HttpResponse], dict[str, Any]]
) -> None:
    for _turn in range(20):
        assert desk.post("webhooks/", {"url": ADDRESS}).status_code == 201
    assert "20 webhooks" in problem(desk.post("webhooks/", {"url": ADDRESS}))["detail"]


def test_it_is_changed_paused_resumed_and_removed(desk: Program, webhook: str) -> None:
    changed = desk.patch(webhook, {"description": "CRM", "types": []}).json()
    assert (changed["description"], changed["types"], changed["url"]) == ("CRM", [], ADDRESS)
    assert desk.post(f"{webhook}pause/").json()["status"] == "paused"
    assert desk.post(f"{webhook}test/").status_code == 409
    assert desk.post(f"{webhook}resume/").json()["status"] == "active"
    assert desk.send("DELETE", webhook).status_code == 204
    assert desk.get(webhook).status_code == 404


def test_tests_and_replays_are_deliveries(desk: Program, webhook: str) -> None:
    made = desk.post(f"{webhook}test/")
    assert made.status_code == 202
    delivery = made.json()
    assert (delivery["type"], delivery["state"], delivery["log"]) == ("webhook.test", "pending", [])
    (listed,) = desk.get("webhook-deliveries/", state="pending").json()["results"]
    assert listed["id"] == delivery["id"]
    assert desk.post(f"webhook-deliveries/{delivery['id']}/replay/").status_code == 202
    answer = desk.post(f"{webhook}replay/", {"since": "2026-01-31T09:00:00Z"})
    assert (answer.status_code, list(answer.json())) == (202, ["events"])


def test_what_cannot_work_is_refused(
    desk: Program, problem: Callable[[HttpResponse], dict[str, Any]]
) -> None:
    for body, field in (
        ({"url": "ftp://crm.acme.example/"}, "url"),
        ({"url": ADDRESS, "types": ["everything"]}, "types"),
        ({}, "url"),
    ):
        said = problem(desk.post("webhooks/", body))
        assert said["status"] == 400
        assert said["errors"][0]["field"].startswith(field)


def test_a_dry_run_makes_none(desk: Program) -> None:
    assert desk.post("webhooks/?dry_run=true", {"url": ADDRESS}).status_code == 201
    assert desk.get("webhooks/").json()["results"] == []


def test_another_isp_s_webhooks_are_not_there(
    desk: Program, webhook: str, desk_of_initech: Program
) -> None:
    delivery = desk.post(f"{webhook}test/").json()["id"]
    assert desk_of_initech.get("webhooks/").json()["results"] == []
    for method, path in (
        ("GET", webhook),
        ("PATCH", webhook),
        ("DELETE", webhook),
        *(("POST", f"{webhook}{what}/") for what in ("rotate", "pause", "resume", "test")),
        ("GET", f"webhook-deliveries/{delivery}/"),
        ("POST", f"webhook-deliveries/{delivery}/replay/"),
    ):
        assert desk_of_initech.send(method, path).status_code == 404, (method, path)


def test_staff_without_the_right_have_no_webhooks(acme: Isp, webhook: str) -> None:
    program = Program(acme.workspace_host, key_in(acme.workspace, "tech@acme.example"))
    assert program.get("webhooks/").status_code == 403
    assert program.post("webhooks/", {"url": ADDRESS}).status_code == 403
    assert program.get("webhook-deliveries/").status_code == 403


def test_the_price_of_a_page_does_not_grow(
    desk: Program, webhook: str, django_assert_max_num_queries: Callable[[int], Any]
) -> None:
    for _turn in range(12):
        desk.post(f"{webhook}test/")
    with django_assert_max_num_queries(14):
        assert len(desk.get("webhook-deliveries/").json()["results"]) == 12
