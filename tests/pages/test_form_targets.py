"""Where forms may lead: a page's own host, and those of ours that it hands people over to."""

from typing import Any

import pytest
from django.test import Client

from apps.core import form_targets
from tests.conftest import Isp
from tests.pages.conftest import browser

OPERATOR = "http://dotmac.localhost:8000"
CONSOLES, WORKSPACES = "http://*.dotmac.localhost:8000", "https://*.apps.localhost:8443"


def targets(answer: Any) -> list[str]:
    parts = [part.split() for part in answer["Content-Security-Policy"].split(";")]
    return next(part[1:] for part in parts if part[0] == "form-action")


def test_the_operator_hands_over_to_every_host_of_the_installation(platform: None) -> None:
    answer = browser("dotmac.localhost").get("/accounts/login/")
    assert targets(answer) == ["'self'", OPERATOR, CONSOLES, WORKSPACES]


@pytest.mark.parametrize("who", ["alice", "alice_at_work"])
@pytest.mark.parametrize("page", ["/accounts/security/", "/admin/"])
def test_a_tenant_s_forms_lead_to_itself_and_the_operator(
    who: str, page: str, request: pytest.FixtureRequest
) -> None:
    client: Client = request.getfixturevalue(who)
    assert targets(client.get(page)) == ["'self'", OPERATOR]


def test_a_workspace_s_log_in_leads_to_no_other_tenant(acme: Isp, platform: None) -> None:
    answer = browser(acme.workspace_host).get("/accounts/login/")
    assert targets(answer) == ["'self'", OPERATOR]


def test_what_is_no_page_asks_nobody(alice_at_work: Client, monkeypatch: Any) -> None:
    def asked(_request: Any) -> list[str]:
        raise AssertionError("A file has no forms.")

    monkeypatch.setattr(form_targets, "_targets", [asked])
    assert targets(alice_at_work.get("/admin/events/event/export.csv")) == ["'self'"]


@pytest.mark.parametrize(
    ("address", "source"),
    [
        ("https://wiki.example/back", "https://wiki.example"),
        ("http://127.0.0.1:8123/cb", "http://127.0.0.1:8123"),
        ("com.example.app:/back", "com.example.app:"),
        ("http://[::1]:8123/cb", ""),
        ("https://wiki.example;script-src/x", ""),
        ("https://a b/x", ""),
        ("nothing", ""),
    ],
)
def test_an_address_becomes_a_source_or_none(address: str, source: str) -> None:
    assert form_targets._source(address) == source
