"""Requests that nothing was written for: the answer is a problem, never a page."""

import base64
from collections.abc import Callable
from typing import Any

import pytest
from django.http import HttpResponse

from tests.api.conftest import Program

Problem = Callable[[HttpResponse], dict[str, Any]]


def test_a_cursor_of_another_order_is_none(desk: Program, problem: Problem) -> None:
    for name in ("Dora Diaz", "Edda Engel", "Finn Falk"):
        assert desk.post("subscribers/", {"name": name}).status_code == 201
    page = desk.get("subscribers/", limit=1, ordering="name").json()
    cursor = page["next"].split("cursor=")[1].split("&")[0].replace("%3D", "=")
    for order in ({}, {"ordering": "-created_at"}):
        refused = problem(desk.get("subscribers/", cursor=cursor, **order))
        assert (refused["status"], refused["code"]) == (404, "not_found")
    made_up = base64.b64encode(b"p=abc").decode()
    assert problem(desk.get("subscribers/", cursor=made_up))["status"] == 404
    more = desk.get("subscribers/", limit=1, ordering="name", cursor=cursor)
    assert [row["name"] for row in more.json()["results"]] == ["Edda Engel"]


def test_a_body_that_is_nested_deeper_than_anybody_s_is_refused(
    desk: Program, problem: Problem
) -> None:
    answer = desk.client.generic(
        "POST", "/api/v1/subscribers/", "[" * 100_000, content_type="application/json"
    )
    refused = problem(answer)
    assert (refused["status"], refused["code"]) == (400, "parse_error")


def test_what_breaks_here_is_a_problem_with_the_request_s_id(
    desk: Program, problem: Problem, monkeypatch: pytest.MonkeyPatch
) -> None:
    def breaks(*_args: Any, **_more: Any) -> None:
        raise AssertionError("a fault of ours, which says Dora Diaz")

    monkeypatch.setattr("apps.subscribers.api.subscribers.SubscriberViewSet.list", breaks)
    desk.client.raise_request_exception = False
    answer = desk.get("subscribers/")
    told = problem(answer)
    assert (told["status"], told["code"]) == (500, "internal")
    assert told["request_id"] == answer["x-request-id"]
    assert "Dora" not in answer.content.decode()
